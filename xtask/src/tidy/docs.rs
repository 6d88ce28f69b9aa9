//! What others may use says what it is: each public item, and each public function of a type.
//!
//! Fields and variants may speak for themselves, which the compiler's `missing_docs` does not know.

use syn::{Attribute, ImplItem, Item};

use super::items::{attributes, is_for_tests, is_public, named};

/// The names of public items of a file that have no documentation.
///
/// # Errors
/// If it is no Rust.
pub(super) fn undocumented(text: &str) -> syn::Result<Vec<String>> {
    let mut found = Vec::new();
    look(&syn::parse_file(text)?.items, &mut found);
    Ok(found)
}

fn look(items: &[Item], found: &mut Vec<String>) {
    for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
        match item {
            // A module says what it is in its own file.
            Item::Mod(module) => look(module.content.as_ref().map_or(&[], |c| &c.1), found),
            // What a trait asks for says the trait.
            Item::Impl(part) if part.trait_.is_none() => {
                for part in &part.items {
                    let ImplItem::Fn(function) = part else { continue };
                    let (name, is_shown) = (&function.sig.ident, is_public(&function.vis));
                    if is_shown && !is_for_tests(&function.attrs) && !says(&function.attrs) {
                        found.push(name.to_string());
                    }
                }
            }
            Item::Use(_) => {}
            item => {
                let shown = named(item).filter(|(_, visibility)| is_public(visibility));
                if let Some((name, _)) = shown.filter(|_| !says(attributes(item))) {
                    found.push(name.to_string());
                }
            }
        }
    }
}

fn says(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("doc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_may_use_is_documented() {
        let text = "pub struct A { pub field: u8 }\nimpl A { pub fn f() {} fn g() {} }\n\
                    mod inner { #[derive(Debug)] pub enum B { One } }\n\
                    pub(crate) fn own() {}\n#[cfg(test)]\npub fn tried() {}\n\
                    impl Clone for A { fn clone(&self) -> Self { A } }\n\
                    /// Says so.\npub const C: u8 = 1;\npub use inner::B;\n";
        let found = undocumented(text).unwrap();
        assert_eq!(found, ["A", "f", "B"]);
    }
}
