//! The client's methods: progenitor builds the request, hand-written code sends it and
//! classifies the response.
//!
//! Progenitor's hooks can't do the latter: they run once a call rather than once an attempt, carry
//! an error as text, and a response of an unexpected form is an error although the status says
//! that the event arrived. So a method keeps progenitor's statements up to the finished request and
//! hands that to `Client::call`.

use openapiv3::Operation;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Expr, GenericArgument, ImplItem, ImplItemFn, Item, Pat, PathArguments, Receiver, ReturnType,
    Signature, Stmt, Type, TypeReference, parse_quote, visit_mut::VisitMut,
};

use crate::{
    Error,
    docs::{doc_attributes, operation_doc},
    document::Document,
    short_paths::{ShortPaths, imports},
};

/// The module `client` with a method for each operation.
pub(crate) fn client(document: &Document, progenitor: &syn::File) -> Result<TokenStream, Error> {
    let methods = document
        .operations()
        .map(|(path, http_method, operation)| {
            let id = operation.operation_id.as_deref().unwrap_or_default();
            let method = find_method(progenitor, id)
                .ok_or_else(|| Error::Shape(format!("method `{id}`")))?;
            let doc = operation_doc(http_method, path, operation);
            complete_method(method, operation, &doc, &response_type(progenitor, id)?)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let imports = imports();
    Ok(quote! {
        #[cfg(feature = "client")]
        mod client {
            #imports
            use super::types;
            use crate::{Client, Error, Response};

            impl Client {
                #(#methods)*
            }
        }
    })
}

/// Returns the type of the response to an operation.
pub(crate) fn response_type(progenitor: &syn::File, id: &str) -> Result<Type, Error> {
    let method = find_method(progenitor, id);
    let response = method.and_then(|method| response(&method.sig));
    let mut response = response
        .ok_or_else(|| Error::Shape(format!("the response in method `{id}`")))?
        .clone();
    ShortPaths.visit_type_mut(&mut response);
    Ok(response)
}

fn find_method<'a>(progenitor: &'a syn::File, id: &str) -> Option<&'a ImplItemFn> {
    let impls = progenitor.items.iter().filter_map(|item| match item {
        Item::Impl(item) if item.trait_.is_none() => Some(item),
        _ => None,
    });
    impls
        .flat_map(|item| &item.items)
        .find_map(|item| match item {
            ImplItem::Fn(method) if method.sig.ident == id => Some(method),
            _ => None,
        })
}

fn complete_method(
    method: &ImplItemFn,
    operation: &Operation,
    doc: &str,
    response: &Type,
) -> Result<TokenStream, Error> {
    let id = &method.sig.ident;
    let shape = |part: &str| Error::Shape(format!("{part} in method `{id}`"));
    let url = local(method, "url").ok_or_else(|| shape("`url`"))?;
    let mut request = match local(method, "request") {
        Some(Expr::Try(request)) => (*request.expr).clone(),
        _ => return Err(shape("`request`")),
    };
    WithoutHeaderMap.visit_expr_mut(&mut request);
    let mut inputs = method.sig.inputs.clone();
    inputs
        .iter_mut()
        .for_each(|input| ElidedLifetimes.visit_fn_arg_mut(input));

    let docs = doc_attributes(doc);
    let deprecated = operation.deprecated.then(|| quote!(#[deprecated]));
    let operation_id = id.to_string();
    Ok(quote! {
        #(#docs)*
        ///
        /// # Errors
        ///
        /// Returns an [`Error`] if the event did not arrive, or may not have.
        ///
        /// # Cancel safety
        ///
        /// If the future is dropped, the event may or may not have arrived.
        #deprecated
        pub async fn #id(#inputs) -> Result<Response<#response>, Error> {
            let url = #url;
            let request = #request;
            self.call(#operation_id, request).await
        }
    })
}

/// Returns the value of the variable `name`.
fn local<'a>(method: &'a ImplItemFn, name: &str) -> Option<&'a Expr> {
    method.block.stmts.iter().find_map(|statement| {
        let Stmt::Local(local) = statement else {
            return None;
        };
        match &local.pat {
            Pat::Ident(pat) if pat.ident == name => Some(&*local.init.as_ref()?.expr),
            _ => None,
        }
    })
}

/// Returns `T` of a method that returns `Result<ResponseValue<T>, _>`.
fn response(signature: &Signature) -> Option<&Type> {
    let ReturnType::Type(_, result) = &signature.output else {
        return None;
    };
    first_argument(first_argument(result)?)
}

fn first_argument(ty: &Type) -> Option<&Type> {
    let Type::Path(ty) = ty else {
        return None;
    };
    let PathArguments::AngleBracketed(arguments) = &ty.path.segments.last()?.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

/// Removes the header `api-version`, which the document does not declare.
struct WithoutHeaderMap;

impl VisitMut for WithoutHeaderMap {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::MethodCall(call) = expr
            && call.method == "headers"
        {
            *expr = (*call.receiver).clone();
        }
        syn::visit_mut::visit_expr_mut(self, expr);
    }
}

/// Progenitor names a lifetime that every method can leave out.
struct ElidedLifetimes;

impl VisitMut for ElidedLifetimes {
    fn visit_receiver_mut(&mut self, receiver: &mut Receiver) {
        *receiver = parse_quote!(&self);
    }

    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        reference.lifetime = None;
    }
}
