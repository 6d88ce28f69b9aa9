//! Every kind of reason that a verdict can have.
//!
//! A code names the branch that refuses. Words may change, a code does not: programs and tests
//! look at it. It is relative to the gate that gives it, so that `too-few-firms` of the gate
//! `audits` is `audits/too-few-firms` in full. `docs/reasons.md` is made of this file.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use strum::{EnumIter, EnumMessage, EnumString, IntoStaticStr};

macro_rules! codes {
    ($($group:literal { $($(#[$meaning:meta])+ $code:ident,)+ })+) => {
        /// A kind of reason.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(EnumIter, EnumMessage, EnumString, IntoStaticStr)]
        #[strum(serialize_all = "kebab-case")]
        pub enum ReasonCode {
            $($($(#[$meaning])+ $code,)+)+
        }

        impl ReasonCode {
            /// The gate that gives it, or what several of them have in common.
            pub const fn group(self) -> &'static str {
                match self {
                    $($(Self::$code)|+ => $group,)+
                }
            }
        }
    };
}

codes! {
    "any gate" {
        /// A fact that the gate rests on could not be read.
        Unreadable,
        /// Fewer endpoints of different operators answered than the policy requires.
        TooFewEndpoints,
        /// The heads of endpoints are too far apart, or too far from this machine's clock.
        HeadsApart,
        /// The release is not deployed on the network.
        NotDeployed,
        /// The network has another build of the release than this checkout.
        OtherBuild,
        /// The record differs from the sources, or from its file's name.
        RecordDiffers,
        /// A deployment record that somebody saw is gone or was replaced.
        RecordGone,
        /// There are more reasons of this kind, which are not listed.
        More,
        /// The contract that signed a statement refuses the signature.
        SignatureRefused,
        /// A statement names a contract as its signer, and the address has no contract.
        ContractAbsent,
        /// The policy lists the contract that signed a statement on another chain, or not at all.
        ContractElsewhere,
        /// The contract that signed a statement was not asked.
        ContractUnasked,
        /// A statement names no block of its target's chain, or its date does not fit that block.
        DateVoid,
        /// The block that a statement names is not final yet.
        DateAhead,
        /// The block that a statement names could not be read.
        DateUnread,
        /// Guardians lowered the requirement; the reasons that it overrides follow.
        Waived,
        /// No gate was evaluated.
        NothingEvaluated,
    }
    "waivers" {
        /// A waiver does not count; the sentence says why.
        WaiverVoid,
        /// A waiver is for another release.
        WaiverOfOtherRelease,
        /// The gate can never be waived.
        NotWaivable,
        /// A waiver lowers nothing of its gate, or something of another gate.
        WaiverOfNothing,
        /// A waiver lowers a requirement below the minimum of any waiver.
        WaiverBelowFloor,
        /// A waiver lowers a requirement below half of the policy's.
        WaiverBelowHalf,
        /// A waiver has expired.
        WaiverExpired,
        /// Too few guardians signed a waiver.
        WaiverTooFewGuardians,
    }
    "emergencies" {
        /// An emergency lowers nothing; the sentence says why.
        EmergencyVoid,
        /// An emergency would last too long, or end before it begins.
        EmergencyTooLong,
        /// An emergency requires less soak than the minimum.
        EmergencySoakTooShort,
        /// The obligations of an emergency are due too late, or before its end.
        EmergencyDueTooLate,
        /// An emergency names gates that it may not lower.
        EmergencyOtherGates,
        /// The baseline of an emergency is not the release that is promoted now.
        EmergencyOtherBaseline,
        /// The difference of the releases is not the one that guardians signed.
        EmergencyOtherDiff,
        /// The new storage layout changes the old one instead of only appending to it.
        EmergencyLayout,
        /// Nothing is promoted yet, so there is nothing urgent to fix.
        NothingPromoted,
        /// The emergency is over.
        EmergencyOver,
        /// The emergency has not begun.
        EmergencyAhead,
        /// Nobody has announced the emergency on the target.
        EmergencyUnannounced,
        /// The emergency was announced less than an hour ago.
        EmergencyAnnouncedLately,
        /// Too few guardians signed the emergency.
        EmergencyTooFewGuardians,
        /// No guardian with a required role signed the emergency.
        EmergencyRoleMissing,
        /// One person is the emergency's only auditor and its only treasurer.
        EmergencyOnePerson,
    }
    "code" {
        /// The code of a contract is not what the sources compile to.
        CodeDiffers,
        /// A watched slot has an unexpected value.
        SlotDiffers,
        /// The storage of a contract is not what its creation writes.
        StorageDiffers,
        /// The storage of a contract is not what the plan writes, and others used it in that block.
        StorageUsed,
        /// No endpoint keeps the storage of a contract as it was at its creation.
        StorageUnkept,
        /// No contract was compared.
        NothingCompared,
        /// The plan fails when it is executed locally.
        PlanFails,
        /// A transaction of the record is not on the chain.
        TransactionGone,
        /// The record and the chain differ about a transaction.
        TransactionDiffers,
        /// A transaction of the deployment, or a proxy that is upgraded, is not final yet.
        NotFinal,
        /// An upgrade did not start from the code that the plan names.
        UpgradeStartDiffers,
        /// The code that an upgrade started from could not be read.
        UpgradeStartUnread,
        /// The plan puts code behind what stands by another step than one with `upgrade`.
        UpgradedOtherwise,
        /// The release is not on the target yet.
        NotPromoted,
        /// The helper has no promotion of the release.
        NoPromotionRecorded,
        /// A later promotion, or deployment on a testnet, changed what this one left.
        Superseded,
        /// The recorded promotion is of another deployment.
        PromotionDiffers,
        /// The endpoints have no log of the transaction that promoted the release.
        PromotionUnlogged,
        /// A file that front ends read is missing.
        FileMissing,
        /// A file that front ends read cannot be read.
        FileUnread,
        /// A file that front ends read differs from the plan and the chain.
        FileDiffers,
        /// A file that front ends read belongs to no promotion.
        FileUnexpected,
        /// A file that front ends read cannot be compared, since a record is missing.
        FileNotCompared,
        /// A contract was used before the promotion was recorded.
        UsedBefore,
    }
    "layout" {
        /// The storage layout behind a proxy is not known.
        LayoutUnknown,
        /// The contract behind a proxy was not adopted.
        BaselineMissing,
        /// The contract that was adopted is not the one that the upgrade replaces.
        BaselineDiffers,
        /// What stands is not what the release that is followed left.
        FollowedDiffers,
        /// An upgrade moves or changes something that is stored.
        LayoutDamaged,
        /// The live or the new code stores what its layout does not have, so it is not compared.
        LayoutHidden,
        /// A contract is unsafe behind its proxy.
        UpgradeUnsafe,
        /// The owner of a transparent proxy's admin contract is itself such a contract.
        AdminOfAdmin,
    }
    "parameters" {
        /// A parameter has no usable value on the target.
        NoValueOnTarget,
        /// A parameter has another value on the target than the one that soaked.
        ValueNotSoaked,
        /// A parameter has a value that its rule does not list.
        ValueNotListed,
        /// A parameter has a value outside its rule's range.
        ValueOutOfRange,
        /// The target would differ from what soaked, without a parameter that says so.
        TargetDiffers,
        /// A contract that the batch creates exists on the target already.
        StandsAlready,
        /// An existing contract is another one on the target than where the release soaked.
        ExistingDiffers,
        /// The plan writes other values in existing contracts than where it soaked.
        WriteDiffers,
        /// A contract delegatecalls code that differs on the target from where it soaked.
        OwnCodeDiffers,
        /// A contract delegatecalls unknown code, which may be an external that differs.
        OwnCodeUnknown,
        /// A contract delegatecalls code that neither the plan nor an external names.
        OwnCodeUnnamed,
        /// A contract delegatecalls code that the key of an account may change.
        OwnCodeOfKey,
        /// The deployment on the target could not be compared with what soaked.
        TargetNotCompared,
    }
    "soak" {
        /// The soak needs more chain time.
        TooYoung,
        /// Something restarted the soak.
        BegunAnew,
        /// The start was posted later than it happened.
        StartPostedLate,
        /// Nobody posted the start on the target.
        StartNotPosted,
        /// The network ends before the soak could be complete.
        NetworkEnds,
        /// A slot may have changed in silence on days without a sample.
        SilentSlot,
        /// Others sent too few transactions.
        TooFewTransactions,
        /// Too few others sent transactions.
        TooFewSenders,
        /// Too few functions were called.
        TooFewFunctions,
        /// A sample names a final block that the chain does not have.
        SampleOffChain,
        /// A sample names another time of a block than the chain.
        SampleMisdated,
        /// Two people's samples name different blocks at one height.
        SamplesOfOtherBlocks,
        /// A sample names another state of a block, and no endpoint keeps the state of that block.
        SampleStateUnkept,
        /// Not all samples were checked.
        SamplesCut,
        /// The record names no anchor.
        AnchorUnnamed,
        /// The anchor is not on the chain.
        AnchorGone,
        /// The anchor is not final yet.
        AnchorNotFinal,
        /// The anchor is no transaction of the deployer to itself.
        AnchorForeign,
        /// The anchor names another release or deployment.
        AnchorDiffers,
        /// A call of the plan is not among the record's transactions.
        CallNotMade,
        /// A contract without a creation in the record was not there at the start.
        AbsentAtStart,
        /// A probe's value differs from that at the start and from the plan.
        ProbeDiffers,
        /// A probe's value changed since the start, and it could not be read when.
        ProbeChanged,
        /// A probe's value differs from the plan, and its value at the start could not be read.
        ProbeUnknown,
        /// Not all transactions were checked.
        TransactionsCut,
        /// Blocks have too many events to be read.
        BlocksFlooded,
        /// A transaction with events could not be read.
        TransactionUnread,
        /// A transaction has events, and its receipt says that it reverted.
        TransactionReverted,
    }
    "audits" {
        /// The release has no contract that could be audited.
        NothingToAudit,
        /// Too few firms cover each contract and the plan.
        TooFewFirms,
        /// An attestation is not by an auditor of this policy.
        NoAuditor,
        /// The scope of an attestation is not known.
        ScopeUnknown,
        /// An attestation's contract signer or date does not confirm it.
        AttestationUnconfirmed,
        /// An attestation contradicts itself.
        AttestationFaulty,
        /// An attestation is about a deployment, not about code, and so does not count.
        AttestationOfDeployment,
        /// An attestation has expired.
        AttestationExpired,
        /// An attestation is dated after gate time.
        AttestationAhead,
        /// The attestation that a delta review rests on does not count; the sentence says why.
        DeltaBase,
        /// The attestation that a delta review rests on is missing.
        BaseMissing,
        /// The attestation that a delta review rests on is of another firm.
        BaseOfOtherFirm,
        /// The attestation that a delta review rests on is not confirmed.
        BaseUnconfirmed,
        /// The attestation that a delta review rests on was revoked.
        BaseRevoked,
        /// The attestation that a delta review rests on is not valid now.
        BaseExpired,
        /// The attestation that a delta review rests on contradicts itself.
        BaseFaulty,
        /// The attestation that a delta review rests on does not cover the code.
        BaseOfDeployment,
        /// Too many delta reviews rest on one another.
        BaseTooDeep,
        /// A firm revoked its attestation.
        Revoked,
        /// A firm reports open findings of critical or high severity.
        OpenFindings,
        /// A findings document lists open findings of critical or high severity.
        OpenFindingsListed,
        /// A findings document is missing, or is not the one that was signed.
        FindingsUnread,
        /// A findings document and its attestation have different counts.
        FindingsMiscounted,
        /// Nobody accepts a finding of medium severity.
        FindingOpen,
        /// Only one person outside the firm accepts a finding.
        FindingAcceptedByOne,
        /// The acceptance of a finding has expired.
        FindingAcceptanceExpired,
        /// A finding was accepted for another scope.
        FindingAcceptedElsewhere,
        /// The file of a statement that this machine has seen is missing.
        StatementMissing,
    }
    "bugs" {
        /// A bug that stops the release is open.
        BugOpen,
    }
    "policy" {
        /// The Safe has adopted no policy.
        NotAdopted,
        /// The Safe has adopted another policy.
        PolicyDiffers,
        /// One line in which the adopted policy differs.
        PolicyLine,
        /// The file of a policy that the Safe adopted is missing or damaged.
        PolicyFile,
        /// The policy is looser than one that was in force lately.
        LooserPolicy,
        /// One line in which the policy is looser.
        LooserLine,
        /// Too many versions were adopted lately to compare them all.
        TooManyVersions,
        /// A soak network of the target may not back it.
        SoakNetwork,
    }
    "safe" {
        /// This machine relied on another Safe for the project before.
        OtherSafe,
        /// The Safe's code is not known.
        SafeUnknown,
        /// The Safe has too few owners.
        TooFewOwners,
        /// The Safe's threshold is too low.
        ThresholdTooLow,
        /// The Safe has a module, a guard or a handler that the policy does not list.
        PartNotAllowed,
        /// The Safe's storage has something that the Safe does not show.
        HiddenState,
        /// Code ran as the Safe, and nothing proves what it wrote there.
        UnexplainedRun,
        /// What a transaction of the Safe did is in no proposal or store here.
        UnknownExecution,
        /// The Safe was changed since it adopted the policy.
        SafeChanged,
        /// A proposal would adopt another policy.
        AdoptionQueued,
        /// A call of a proposal would change the Safe.
        ChangeQueued,
    }
    "funds" {
        /// A draw had no approval in force.
        UnapprovedDraw,
        /// More was drawn than was approved.
        OverApproval,
        /// A draw names a request that does not exist.
        UnknownRequest,
        /// Somebody approved their own request.
        SelfApproval,
        /// Value left the treasury without a draw statement.
        OutflowWithoutDraw,
        /// The chain contradicts a draw or a return statement.
        TransferMismatch,
        /// An invariant of the books does not hold.
        BooksBroken,
        /// A wallet holds another balance than the books.
        BalanceDiffers,
        /// A request for this release awaits a decision.
        RequestOpen,
        /// The history of a wallet could not be read.
        HistoryUnread,
    }
    "separation" {
        /// The holder of the key that deployed is not known.
        DeployerUnknown,
        /// A guardian has not proven that they hold their key.
        KeyUnproven,
        /// A key belongs to two people.
        KeyOfTwo,
        /// Somebody both deployed and audited.
        DeployerAudited,
        /// Somebody decided on their own fund request.
        OwnRequestDecided,
    }
    "go" {
        /// Too few people said go.
        TooFewGoes,
        /// Nobody said go for a discipline.
        DisciplineMissing,
        /// A go is by nobody in the policy.
        GoByStranger,
        /// A go is by the person who deployed the release.
        GoByDeployer,
        /// A go is by a person who dismissed a bug of this release.
        GoByDismisser,
        /// A go is dated after gate time.
        GoAhead,
        /// A go was said before the soak was over.
        GoTooEarly,
        /// A go is dated before a statement that it lists.
        GoBackdated,
        /// A record that a go lists was changed later.
        RecordChanged,
        /// A go does not list a statement that exists.
        GoStale,
        /// A statement that a go lists is missing.
        SeenGone,
        /// A statement that a go lists does not count.
        SeenVoid,
        /// Somebody says no-go.
        NoGo,
        /// Somebody says no-go, posted at the helper.
        NoGoPosted,
        /// Somebody froze promotions.
        Frozen,
        /// Somebody froze promotions, posted at the helper.
        FrozenPosted,
    }
    "obligations" {
        /// An emergency promotion still has obligations; the sentence lists them.
        EmergencyOwes,
        /// The post-mortem of an emergency promotion is missing.
        PostmortemMissing,
        /// The sources of a release that was promoted in an emergency are not here.
        SourcesMissing,
        /// A release was changed before its soak was complete, so waiting does not help.
        SoakCutShort,
    }
    "the whole" {
        /// The batch that would be proposed fails when it is executed locally.
        BatchFails,
        /// The batch that would be proposed could not be executed locally.
        BatchUntried,
    }
    "policy check" {
        /// A gate accepts damaged facts.
        DamageLetThrough,
    }
}

impl ReasonCode {
    /// Its name, as in `too-few-firms`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The code of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The code's meaning, in one sentence.
    #[cfg(test)]
    pub(crate) fn meaning(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }
}

impl JsonSchema for ReasonCode {
    fn schema_name() -> Cow<'static, str> {
        "ReasonCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What kind of reason it is; docs/reasons.md has them all.",
            "type": "string",
            "pattern": "^[a-z0-9-]+$",
        })
    }
}

impl Serialize for ReasonCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use strum::IntoEnumIterator as _;

    use super::*;

    const HEAD: &str = "\
# Reasons

Every verdict that is not `PASS` says why: in sentences for people, and in codes for programs
(`codes` in `--json`, [formats.md](formats.md), section 6). A sentence may change from one version
to the next; a code means the same for good. A code is relative to the gate that gives it; in full
it is `GATE/CODE`, such as `audits/too-few-firms`. Where a sentence contains other reasons, as
`too-few-firms` says why attestations do not count, their codes follow its own.

This file is made from `crates/tidegate-model/src/verdict/codes.rs`. Where it is stale,
`cargo test -p tidegate-model` fails and prints what it must say.
";

    fn document() -> String {
        let mut text = HEAD.to_owned();
        let mut group = "";
        for code in ReasonCode::iter() {
            if code.group() != group {
                group = code.group();
                let _ = write!(text, "\n## {group}\n\n| code | meaning |\n|---|---|\n");
            }
            let _ = writeln!(text, "| `{}` | {} |", code.name(), code.meaning());
        }
        text
    }

    #[test]
    fn reasons_are_documented() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reasons.md");
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(found == document(), "docs/reasons.md is stale; it must be\n{}", document());
    }

    #[test]
    fn every_code_has_one_name_and_one_plain_sentence() {
        for code in ReasonCode::iter() {
            assert_eq!(ReasonCode::from_name(code.name()), Some(code));
            let meaning = code.meaning();
            assert!(meaning.ends_with('.') && !meaning.contains(['\n', '|']), "{code:?}");
        }
        assert_eq!(ReasonCode::from_name("TooFewFirms"), None);
        assert_eq!(ReasonCode::TooFewFirms.name(), "too-few-firms");
    }
}
