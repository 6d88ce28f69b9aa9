//! What a file says of other files and crates: the paths that it writes and the methods that it
//! calls, also in its tests.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use super::module::{ANYTHING, ModulePath, leaves};
use super::tokens::{Word, scan};

/// How many imports lead from a name to a path that begins with a crate.
const IMPORTS_MAX: usize = 4;

/// The names of one file.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Every path, from the crate on where an import of the file says so.
    pub(super) paths: BTreeSet<ModulePath>,
    /// The methods that it calls, by name alone.
    pub(super) calls: BTreeSet<String>,
    /// What it imports, by the name that this has here.
    imports: BTreeMap<String, ModulePath>,
    /// What `Self` is, inside an `impl`.
    own: ModulePath,
}

impl Names {
    /// Reads a file. One that is no Rust says nothing.
    pub(super) fn read(text: &str) -> Self {
        let mut names = Self::default();
        if let Ok(file) = syn::parse_file(text) {
            names.visit_file(&file);
        }
        let paths = std::mem::take(&mut names.paths);
        let whole = |path: ModulePath| {
            (0..IMPORTS_MAX).fold(path, |path, _| match names.imports.get(&path[0]) {
                Some(import) => [import, &path[1..]].concat(),
                None => path,
            })
        };
        let paths = paths.into_iter().filter(|path| !path.is_empty());
        names.paths = paths.map(whole).collect();
        names
    }

    fn word(&mut self, word: Word) {
        match word {
            Word::Path(path) => self.paths.insert(path),
            Word::Called(name) => self.calls.insert(name),
        };
    }
}

impl<'a> Visit<'a> for Names {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        for (path, name) in leaves(Vec::new(), &item.tree) {
            let everything = name.is_none().then(|| ANYTHING.to_owned());
            self.paths.insert(path.iter().cloned().chain(everything).collect());
            if let Some(name) = name.filter(|name| path[0] != *name) {
                self.imports.insert(name, path);
            }
        }
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        let outer = std::mem::take(&mut self.own);
        if let syn::Type::Path(of) = &*item.self_ty {
            self.own = written(&of.path);
        }
        visit::visit_item_impl(self, item);
        self.own = outer;
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let names = written(path);
        self.paths.insert(match names.split_first() {
            Some((first, rest)) if first == "Self" => [&self.own, rest].concat(),
            _ => names,
        });
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        self.calls.insert(call.method.to_string());
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        self.visit_path(&called.path);
        scan(called.tokens.clone(), false, &mut |word| self.word(word));
    }

    fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            scan(list.tokens.clone(), true, &mut |word| self.word(word));
        }
    }
}

fn written(path: &syn::Path) -> ModulePath {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}
