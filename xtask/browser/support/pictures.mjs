// Pictures of pages, for people to look at.

/** The looks of a page, as options of a browser's context. */
export const LOOKS = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 800 } },
  narrow: { colorScheme: "light", viewport: { width: 360, height: 740 } },
};

/** Opens pages one after the other. Yields the name and the picture of each, as WebP. */
export async function* pictures(page, pages, { isWhole }) {
  const devtools = await page.context().newCDPSession(page);
  for (const [path, name] of pages) {
    await page.goto(`/${path}`);
    await page.locator("h1").waitFor();
    const { data } = await devtools.send("Page.captureScreenshot", {
      format: "webp", quality: 80, captureBeyondViewport: isWhole,
    });
    yield [name, Buffer.from(data, "base64")];
  }
}
