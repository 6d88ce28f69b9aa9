//! One module, as `syn` reads its items: what it defines, imports and names.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, ItemUse, UseTree, Visibility};

use super::items::{attributes, is_for_tests, is_public, named};
use super::signatures::Signatures;

/// Stands for whatever is used of a module.
const ANYTHING: &str = "*";

/// A module's place below the root of its crate, or a path as a file writes it.
pub(super) type ModulePath = Vec<String>;

/// One module.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The file that has it.
    pub(super) file: String,
    /// What it defines.
    pub(super) items: BTreeSet<String>,
    /// What other modules may name: `pub` items, modules and re-exports.
    pub(super) public: BTreeSet<String>,
    /// What it imports or re-exports, by the name that this has here.
    pub(super) imports: BTreeMap<String, ModulePath>,
    /// Of what it imports everything.
    pub(super) globs: Vec<ModulePath>,
    /// Every path that it writes, but those of re-exports.
    pub(super) uses: BTreeSet<ModulePath>,
    /// The `pub` methods of its types.
    pub(super) methods: BTreeSet<String>,
    /// The words of its public signatures, fields and variants.
    pub(super) signatures: BTreeSet<String>,
}

impl Module {
    /// Whether a name means something here, so that globs are not asked.
    pub(super) fn has(&self, name: &str) -> bool {
        self.items.contains(name) || self.imports.contains_key(name)
    }

    /// Notes what an item defines, imports and names.
    pub(super) fn add(&mut self, item: &Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        if let Some((name, visibility)) = named(item) {
            let name = name.to_string();
            if is_public(visibility) {
                self.public.insert(name.clone());
            }
            if !matches!(item, Item::Mod(_)) {
                self.items.insert(name);
            }
        }
        if !matches!(item, Item::Mod(_)) {
            self.visit_item(item);
            Signatures::of(&mut self.methods, &mut self.signatures).visit_item(item);
        }
    }

    fn import(&mut self, item: &ItemUse) {
        let is_own = matches!(item.vis, Visibility::Inherited);
        for (path, name) in leaves(Vec::new(), &item.tree) {
            if is_own {
                let everything = name.is_none().then(|| ANYTHING.to_owned());
                self.uses.insert(path.iter().cloned().chain(everything).collect());
            }
            match name {
                None => self.globs.push(path),
                Some(name) => {
                    if is_public(&item.vis) {
                        self.public.insert(name.clone());
                    }
                    self.imports.insert(name, path);
                }
            }
        }
    }

    /// Paths in what a macro or an attribute is given, also in its texts, where `serde` has them.
    fn scan(&mut self, tokens: TokenStream, texts: bool) {
        let mut path: ModulePath = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 && !path.is_empty() => {
                    path.push(name.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                _ => self.name(std::mem::take(&mut path)),
            }
            colons = 0;
            match token {
                TokenTree::Ident(name) => path.push(name.to_string()),
                TokenTree::Group(group) => self.scan(group.stream(), texts),
                TokenTree::Literal(literal) if texts => {
                    let text = literal.to_string();
                    if let Ok(path) = syn::parse_str::<syn::Path>(text.trim_matches('"'))
                        && path.segments.len() > 1
                    {
                        // Of a module named so, something in it is meant.
                        let names = path.segments.iter().map(|segment| segment.ident.to_string());
                        self.uses.insert(names.chain([ANYTHING.to_owned()]).collect());
                    }
                }
                _ => {}
            }
        }
        self.name(path);
    }

    fn name(&mut self, path: ModulePath) {
        if path.len() > 1 {
            self.uses.insert(path);
        }
    }
}

impl<'a> Visit<'a> for Module {
    fn visit_item(&mut self, item: &'a Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.import(item);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        self.name(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        self.visit_path(&called.path);
        self.scan(called.tokens.clone(), false);
    }

    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.scan(list.tokens.clone(), true);
        }
    }
}

/// What a `use` leads to, and the name that it has here; none for everything.
fn leaves(mut before: ModulePath, tree: &UseTree) -> Vec<(ModulePath, Option<String>)> {
    let mut whole = |name: &Ident, called: &Ident| {
        if name != "self" {
            before.push(name.to_string());
        }
        let last = before.last().cloned().unwrap_or_default();
        let called = if called == "self" { last } else { called.to_string() };
        vec![(std::mem::take(&mut before), Some(called))]
    };
    match tree {
        UseTree::Name(name) => whole(&name.ident, &name.ident),
        UseTree::Rename(name) => whole(&name.ident, &name.rename),
        UseTree::Glob(_) => vec![(before, None)],
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            leaves(before, &path.tree)
        }
        UseTree::Group(group) => {
            group.items.iter().flat_map(|tree| leaves(before.clone(), tree)).collect()
        }
    }
}
