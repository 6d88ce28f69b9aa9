//! The plan as somebody reads it who has to answer for it: every step, and whatever it is given.

use serde_json::Value;

use crate::masks::Link;

use super::{
    Action, Arg, Beacon, Call, Create, Expect, Invocation, Member, ParamDecl, Plan, Proxy, Rule,
    Source, Step, Upgrade,
};

impl Plan {
    /// The plan in lines. All that is in its digest is in them: two plans that read the same are
    /// the same.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(follows) = self.follows {
            lines.push(format!("follows release {follows}, whose contracts it finds"));
            let made = self.made.iter();
            lines.extend(made.map(|name| format!("{name}: was called before, and is not again")));
        }
        for (index, step) in self.steps.iter().enumerate() {
            step.read(index + 1, &mut lines);
        }
        for Link { contract, position, library } in &self.links {
            lines.push(format!("at byte {position} of {contract}: the address of {library}"));
        }
        for (name, ParamDecl { ty, members, rule }) in &self.params {
            let members = match members.as_slice() {
                [] => String::new(),
                members => format!(" by the names {}", names(members)),
            };
            lines.push(format!("${name} ({ty}{members}): {}", rule.words()));
        }
        for name in &self.externals {
            lines.push(format!("@{name}: an external, which each network names"));
        }
        for name in &self.existing {
            lines.push(format!("@{name}: stands there already, as each network names it"));
        }
        lines
    }
}

impl Step {
    fn read(&self, number: usize, lines: &mut Vec<String>) {
        let name = &self.name;
        match &self.action {
            Action::Create(create) => {
                lines.push(format!("{number}. {name}: create {}", create.contract));
                create.read(lines);
            }
            Action::Upgrade(upgrade) => {
                lines.push(format!("{number}. {name}: upgrade @{}", upgrade.target));
                upgrade.read(lines);
            }
            Action::Call(call) => {
                lines.push(format!("{number}. {name}: call @{}", call.target));
                call.read(lines);
            }
        }
        if !self.salt_label.is_empty() {
            lines.push(format!("   salt {}", text(&self.salt_label)));
        }
        for Expect { signature, args, equals } in &self.expect {
            lines.push(format!("   then expects {signature} to return {}", equals.words()));
            read_args(args, lines);
        }
    }
}

/// Said of what is not guarded: the helper creates all else for the executor alone.
const UNGUARDED: &str = "   not guarded: anybody can create it first";

impl Create {
    fn read(&self, lines: &mut Vec<String>) {
        read_args(&self.args, lines);
        if !self.value.is_zero() {
            lines.push(format!("   pays {} wei", self.value));
        }
        if !self.guarded {
            lines.push(UNGUARDED.to_owned());
        }
        lines.extend(self.libraries.iter().map(|library| format!("   links {library}")));
        if let Some(proxy) = &self.proxy {
            proxy.read(lines);
        }
    }
}

impl Proxy {
    fn read(&self, lines: &mut Vec<String>) {
        lines.push(format!("   behind a {} proxy {}", self.kind.name(), self.contract));
        if let Some(admin) = &self.admin {
            lines.push(format!("   who may upgrade it: {}", admin.words()));
        }
        match &self.beacon {
            Some(Beacon::Own(contract)) => lines.push(format!("   with a beacon {contract}")),
            Some(Beacon::Of(step)) => lines.push(format!("   with the beacon of @{step}")),
            None => {}
        }
        read_init(self.init.as_ref(), lines);
    }
}

impl Upgrade {
    fn read(&self, lines: &mut Vec<String>) {
        let reference = &self.reference;
        lines.push(format!("   a {} proxy, by {}", self.kind.name(), self.function));
        lines.push(format!("   in slot {}", self.slot));
        lines.push(format!("   from {}", reference.contract));
        lines.push(format!("   of runtime template {}", reference.runtime_template));
        lines.push(format!("   of storage layout {}", reference.storage_layout));
        lines.push(format!("   to {}", self.contract));
        if !self.guarded {
            lines.push(UNGUARDED.to_owned());
        }
        read_args(&self.args, lines);
        lines.extend(self.libraries.iter().map(|library| format!("   links {library}")));
        read_init(self.init.as_ref(), lines);
        if let Some(initialised) = &self.initialised {
            lines.push(format!("   ran at its creation: {}", initialised.signature));
            read_args(&initialised.args, lines);
        }
    }
}

impl Call {
    fn read(&self, lines: &mut Vec<String>) {
        lines.push(format!("   {}", self.invocation.signature));
        read_args(&self.invocation.args, lines);
        if !self.value.is_zero() {
            lines.push(format!("   pays {} wei", self.value));
        }
    }
}

fn read_init(init: Option<&Invocation>, lines: &mut Vec<String>) {
    let Some(init) = init else { return };
    lines.push(format!("   runs {}", init.signature));
    read_args(&init.args, lines);
}

fn read_args(args: &[Arg], lines: &mut Vec<String>) {
    lines.extend(args.iter().map(|arg| format!("     {}", arg.words())));
}

impl Arg {
    /// Its type, and where its value comes from.
    fn words(&self) -> String {
        format!("{} {}", self.ty, self.from.words())
    }
}

impl Source {
    fn words(&self) -> String {
        match self {
            // As JSON, so that a text is told from a number and from a name.
            Self::Literal(value) => value.to_string(),
            Self::Param(name) => format!("${name}"),
            Self::Ref(name) => format!("@{name}"),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Arg::words).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
}

impl Rule {
    fn words(&self) -> String {
        match self {
            Self::SameAsTestnet => "the value that soaked".to_owned(),
            Self::PerNetwork => "each network has its own value".to_owned(),
            Self::Range { min, max } => {
                let bound = |bound: &Option<String>| bound.clone().unwrap_or_else(|| "any".into());
                format!("from {} to {}", bound(min), bound(max))
            }
            Self::OneOf(values) => {
                let values: Vec<_> = values.iter().map(Value::to_string).collect();
                format!("one of {}", values.join(", "))
            }
        }
    }
}

fn names(members: &[Member]) -> String {
    let named = members.iter().map(|member| match member.members.as_slice() {
        [] => member.name.clone(),
        below => format!("{} {}", member.name, names(below)),
    });
    format!("({})", named.collect::<Vec<_>>().join(", "))
}

/// A text of the configuration, in quotes.
fn text(text: &str) -> String {
    Value::from(text).to_string()
}
