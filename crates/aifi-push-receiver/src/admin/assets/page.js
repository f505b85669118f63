// The choice of a theme, and live updates. Everything else works without this script.
"use strict";

(() => {
  const root = document.documentElement;
  const KEY = "aifi-push-theme";
  // Storage may be forbidden.
  const stored = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const store = (theme) => { try { localStorage.setItem(KEY, theme); } catch { /* for this page only */ } };
  // Before the page is painted.
  if (stored() === "dark" || stored() === "light") root.dataset.theme = stored();

  const isDark = () => root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;

  const theme = (button) => {
    const show = () => { button.textContent = isDark() ? "Light" : "Dark"; };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      store(root.dataset.theme);
      show();
    });
    button.hidden = false;
    button.setAttribute("aria-label", "Switch between light and dark");
    show();
  };

  const MAX_ROWS = 200;
  const ANNOUNCE_EVERY = 10000;

  const live = (main) => {
    const toggle = document.getElementById("live-toggle");
    const state = document.getElementById("live-state");
    const status = document.getElementById("events-status");
    let source = null, isPaused = false, isStale = false, arrived = 0, announcing = false, seen = null;

    const announce = () => {
      if (announcing || !status) return;
      announcing = true;
      setTimeout(() => {
        status.textContent = arrived === 1 ? "1 new event" : `${arrived} new events`;
        arrived = 0;
        announcing = false;
      }, status.textContent ? ANNOUNCE_EVERY : 1000);
    };

    const apply = ({ target, how, html }) => {
      const element = document.getElementById(target);
      if (!element) return;
      const template = document.createElement("template");
      template.innerHTML = html;
      if (how === "replace") {
        // Who is in the middle of it keeps the place, until they leave it.
        if (element.contains(document.activeElement)) { isStale = true; return; }
        element.replaceChildren(template.content);
        return;
      }
      const rows = [...template.content.children];
      rows.forEach((row) => row.classList.add("is-new"));
      element.prepend(...rows);
      while (element.children.length > MAX_ROWS) element.lastElementChild.remove();
      document.getElementById(target.replace(/-rows$/, "-empty"))?.remove();
      arrived += rows.length;
      announce();
    };

    const show = (text) => { if (state && state.textContent !== text) state.textContent = text; };

    const close = () => { source?.close(); source = null; };
    const open = () => {
      if (source || isPaused || document.hidden) return;
      const url = new URL(main.dataset.live, location.href);
      if (seen) url.searchParams.set("after", seen);
      source = new EventSource(url);
      source.onopen = () => show("Live.");
      source.onmessage = (message) => {
        JSON.parse(message.data).forEach(apply);
        if (message.lastEventId > "0" && !isStale) seen = message.lastEventId;
      };
      source.onerror = () => {
        show("Live updates are interrupted.");
        // A refusal ends it; a lost connection is made again by the browser.
        if (source?.readyState === EventSource.CLOSED) { close(); setTimeout(open, 5000); }
      };
    };

    toggle.hidden = false;
    toggle.addEventListener("click", () => {
      isPaused = !isPaused;
      toggle.setAttribute("aria-pressed", String(isPaused));
      if (isPaused) { close(); show("Updates are paused."); } else { open(); }
    });
    // A new connection brings what was not shown.
    main.addEventListener("focusout", () => setTimeout(() => {
      if (!isStale || main.contains(document.activeElement)) return;
      isStale = false;
      close();
      open();
    }));
    // A browser has few connections for each server, which pages that nobody sees must not keep.
    document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else open(); });
    addEventListener("pagehide", close);
    addEventListener("pageshow", open);
    open();
  };

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme-toggle");
    if (button) theme(button);
    const main = document.querySelector("main[data-live]");
    if (main && document.getElementById("live-toggle")) live(main);
  });
})();
