//! What others have to know in order to use what a module shows: the types that public functions
//! take and give, of public fields, and of what variants hold.

use std::collections::BTreeSet;

use syn::Visibility;
use syn::visit::{self, Visit};

use super::items::{is_for_tests, is_public};
use super::module::Method;

/// Collects public methods, and the words of what is public.
pub(super) struct Signatures<'m> {
    methods: &'m mut BTreeSet<Method>,
    words: &'m mut BTreeSet<String>,
}

impl<'m> Signatures<'m> {
    /// Adds to these.
    pub(super) fn of(methods: &'m mut BTreeSet<Method>, words: &'m mut BTreeSet<String>) -> Self {
        Self { methods, words }
    }

    fn words(&mut self) -> Words<'_> {
        Words(self.words)
    }

    fn fields(&mut self, fields: &syn::Fields, is_public: impl Fn(&Visibility) -> bool) {
        for field in fields.iter().filter(|field| is_public(&field.vis)) {
            self.words().visit_type(&field.ty);
        }
    }
}

impl<'a> Visit<'a> for Signatures<'_> {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        if is_public(&item.vis) {
            self.words().visit_signature(&item.sig);
        }
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        let of = match &*item.self_ty {
            syn::Type::Path(of) => of.path.segments.last(),
            _ => None,
        };
        let of = of.map(|name| name.ident.to_string()).unwrap_or_default();
        for inner in &item.items {
            match inner {
                syn::ImplItem::Fn(method) if is_for_tests(&method.attrs) => {}
                syn::ImplItem::Fn(method) => {
                    if is_public(&method.vis) {
                        let (name, of) = (method.sig.ident.to_string(), of.clone());
                        let has_receiver = method.sig.receiver().is_some();
                        self.methods.insert(Method { of, name, has_receiver });
                    }
                    if is_public(&method.vis) || item.trait_.is_some() {
                        self.words().visit_signature(&method.sig);
                    }
                }
                syn::ImplItem::Type(of) => self.words().visit_type(&of.ty),
                syn::ImplItem::Const(of) if is_public(&of.vis) => self.words().visit_type(&of.ty),
                _ => {}
            }
        }
    }

    fn visit_item_struct(&mut self, item: &'a syn::ItemStruct) {
        self.fields(&item.fields, is_public);
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        item.variants.iter().for_each(|variant| self.fields(&variant.fields, |_| true));
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        self.words().visit_item_trait(item);
    }

    fn visit_item_type(&mut self, item: &'a syn::ItemType) {
        self.words().visit_type(&item.ty);
    }

    fn visit_item_const(&mut self, item: &'a syn::ItemConst) {
        self.words().visit_type(&item.ty);
    }
}

/// Every name of a path.
struct Words<'w>(&'w mut BTreeSet<String>);

impl<'a> Visit<'a> for Words<'_> {
    fn visit_path(&mut self, path: &'a syn::Path) {
        self.0.extend(path.segments.iter().map(|segment| segment.ident.to_string()));
        visit::visit_path(self, path);
    }
}
