//! One module, as `syn` reads its items: what it defines, imports and names.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, ItemUse, UseTree, Visibility};

use super::items::{attributes, has, is_for_tests, is_public, named};
use super::signatures::Signatures;
use super::tokens::{Word, scan};

/// The one module of which a file may import everything.
const PRELUDE: &str = "prelude";

/// Stands for whatever is used of a module.
pub(super) const ANYTHING: &str = "*";

/// A module's place below the root of its crate, or a path as a file writes it.
pub(super) type ModulePath = Vec<String>;

/// A public function of a type.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Method {
    /// The type's name.
    pub(super) of: String,
    /// Its own name.
    pub(super) name: String,
    /// Whether it can be called with a dot.
    pub(super) has_receiver: bool,
}

/// One module.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The file that has it.
    pub(super) file: String,
    /// What it defines.
    pub(super) items: BTreeSet<String>,
    /// What other crates may name, where they see the module: `pub` items and re-exports.
    pub(super) public: BTreeSet<String>,
    /// Its `pub` modules.
    pub(super) open: BTreeSet<String>,
    /// What it imports or re-exports, by the name that this has here.
    pub(super) imports: BTreeMap<String, ModulePath>,
    /// Of what it imports everything.
    pub(super) globs: Vec<ModulePath>,
    /// Every path that it writes, but those of re-exports.
    pub(super) uses: BTreeSet<ModulePath>,
    /// What it re-exports.
    pub(super) reexports: BTreeSet<ModulePath>,
    /// The types that have methods from here.
    pub(super) implements: BTreeSet<ModulePath>,
    /// The `pub` functions of its types.
    pub(super) methods: BTreeSet<Method>,
    /// The words of its public signatures, fields and variants.
    pub(super) signatures: BTreeSet<String>,
    /// What would hide from this reader what the module imports.
    pub(super) hides: Vec<String>,
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
            let is_module = matches!(item, Item::Mod(_));
            if is_public(visibility) {
                let shown = if is_module { &mut self.open } else { &mut self.public };
                shown.insert(name.clone());
            }
            if !is_module {
                self.items.insert(name);
            }
        }
        if let Item::Mod(item) = item {
            self.place(item);
        } else {
            self.visit_item(item);
            Signatures::of(&mut self.methods, &mut self.signatures).visit_item(item);
        }
    }

    /// A module stands in the file of its name.
    fn place(&mut self, item: &syn::ItemMod) {
        let is_elsewhere = |attribute: &Attribute| {
            let is_path = attribute.path().is_ident("path");
            is_path || matches!(&attribute.meta, syn::Meta::List(list) if has(&list.tokens, "path"))
        };
        if item.attrs.iter().any(is_elsewhere) {
            let name = &item.ident;
            self.hides.push(format!("`#[path]`: the module `{name}` has a file of its name"));
        }
    }

    fn import(&mut self, item: &ItemUse) {
        let own = if is_own(&item.vis) { &mut self.uses } else { &mut self.reexports };
        for (path, name) in leaves(Vec::new(), &item.tree) {
            let everything = name.is_none().then(|| ANYTHING.to_owned());
            own.insert(path.iter().cloned().chain(everything).collect());
            if name.is_none() && path.last().is_none_or(|module| module != PRELUDE) {
                self.hides.push(format!("`use {}::*`: name what is used", path.join("::")));
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

    fn word(&mut self, word: Word) {
        if let Word::Path(path) = word {
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

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        if let (None, syn::Type::Path(of)) = (&item.trait_, &*item.self_ty) {
            let names = of.path.segments.iter().map(|segment| segment.ident.to_string());
            self.implements.insert(names.collect());
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        let name = &item.ident;
        self.hides.push(format!("a module inside a function: `{name}` stands beside it"));
    }

    fn visit_item_extern_crate(&mut self, item: &'a syn::ItemExternCrate) {
        self.hides.push(format!("`extern crate {}`: Cargo.toml names crates", item.ident));
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.import(item);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        self.uses.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        self.visit_path(&called.path);
        if called.path.segments.last().is_some_and(|name| name.ident == "include") {
            self.hides.push("`include!`: Rust stands in a module".to_owned());
        }
        scan(called.tokens.clone(), false, &mut |word| self.word(word));
    }

    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            scan(list.tokens.clone(), true, &mut |word| self.word(word));
        }
    }
}

/// Whether a `use` gives its names to no other module.
fn is_own(visibility: &Visibility) -> bool {
    match visibility {
        Visibility::Inherited => true,
        Visibility::Restricted(of) => of.path.is_ident("self"),
        Visibility::Public(_) => false,
    }
}

/// What a `use` leads to, and the name that it has here; none for everything.
pub(super) fn leaves(mut before: ModulePath, tree: &UseTree) -> Vec<(ModulePath, Option<String>)> {
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
