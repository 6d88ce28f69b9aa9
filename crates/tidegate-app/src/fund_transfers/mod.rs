//! Drawing test funds from the treasury, and sending back what is left: frozen, approved, sent.

mod books;
mod making;

use alloy_primitives::{Address, B256, U256};
use schemars::JsonSchema;
use serde::Serialize;
use tidegate_ledger::{FundRules, RequestState, RequestView};
use tidegate_model::StatementDigest;
use tidegate_model::event::Intent;
use tidegate_model::ports::DigestSigner;
use tidegate_model::units::format_amount;

use self::books::Books;
use crate::error::{AppError, AppResult, Kind};
use crate::ledger_facts::about;
use crate::project::Project;
use crate::relied;
use crate::saying::now;
use crate::text::digits_of;

/// Gas of a plain transfer.
const TRANSFER_GAS: u64 = 21_000;

/// Which way test funds go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the treasury to whoever asked.
    Draw,
    /// Back to the treasury.
    Return,
}

/// A transfer of test funds.
#[derive(Debug, Clone)]
pub struct TransferRequest {
    /// Draw or return.
    pub direction: Direction,
    /// The request's whole digest; by default the only one that was approved.
    pub request: Option<String>,
    /// How much, in wei; by default all that was approved, or all that can be returned.
    pub amount: Option<U256>,
}

/// The payer: a key with its name.
#[derive(Clone, Copy)]
pub struct Payer<'a> {
    /// The key's name.
    pub name: &'a str,
    /// The key.
    pub signer: &'a dyn DigestSigner,
}

/// A request with the books that it is in.
#[derive(Debug)]
pub struct Transfer {
    direction: Direction,
    amount: Option<U256>,
    books: Books,
}

/// A transfer that would be sent.
#[derive(Debug)]
pub struct Frozen {
    transfer: Transfer,
    intent: Intent,
    /// Who pays, by whose key it was checked.
    payer: Address,
}

/// The transfer that was sent and stated.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct TransferView {
    /// The transaction; none where nothing was left to send.
    pub transaction: Option<B256>,
    /// How much, in wei as decimal digits; missing where it was sent and stated before.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "digits_of")]
    #[schemars(with = "Option<String>")]
    pub amount: Option<U256>,
    /// The statement that names the transaction; none where there is no new one.
    pub digest: Option<StatementDigest>,
    /// To whom.
    #[serde(skip)]
    pub to: Address,
}

impl Direction {
    /// Whether a request can be meant without being named, by what was said.
    fn is_ready(self, view: &RequestView) -> bool {
        match self {
            Self::Draw => matches!(view.state, RequestState::Approved { .. }),
            Self::Return => !view.approvals.is_empty(),
        }
    }

    /// Whether something of it is left, by what the chain shows.
    fn is_left(self, view: &RequestView) -> bool {
        match self {
            Self::Draw => {
                let open =
                    matches!(view.state, RequestState::Approved { .. } | RequestState::Drawn);
                open && view.approved_until.is_some() && view.drawn < view.amount
            }
            Self::Return => view.state != RequestState::Settled && !view.out().is_zero(),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Draw => "draw",
            Self::Return => "return",
        }
    }
}

/// Reads the books of a request, up to the latest block.
///
/// # Errors
/// If there is no such request, or a chain cannot be read.
pub async fn open(project: &Project, request: &TransferRequest) -> AppResult<Transfer> {
    let TransferRequest { direction, request, amount } = request;
    relied::require(project).await?;
    let books = Books::read(project, request.as_deref(), *direction).await?;
    books.request()?;
    Ok(Transfer { direction: *direction, amount: *amount, books })
}

impl Transfer {
    /// The name of the key that the project has for it.
    ///
    /// # Errors
    /// If the network is no longer in the project.
    pub fn key<'a>(&self, project: &'a Project) -> AppResult<Option<&'a str>> {
        let name = &self.books.name;
        Ok(match self.direction {
            Direction::Draw => project.config.funds.get(name).map(|funds| funds.key.as_str()),
            Direction::Return => project.network(name)?.deployer.as_deref(),
        })
    }

    /// Freezes what would be sent; `None` if nothing is left to draw.
    ///
    /// # Errors
    /// If the key is another one, the request has no approval in force, or more is asked for than
    /// is left.
    pub async fn freeze(self, project: &Project, payer: &Payer<'_>) -> AppResult<Option<Frozen>> {
        let (books, found, home) = (&self.books, self.books.request()?, self.books.treasury()?);
        let (word, wanted) = (self.direction.word(), self.amount);
        let intent = match self.direction {
            Direction::Draw => {
                payer.require(home)?;
                require_drawable(found)?;
                let time = now(project, &about(project)?).await?.time;
                let Some(amount) = amount_of(found.drawable(time), wanted)? else {
                    return Ok(None);
                };
                books.require_adopted(found, payer.signer.address())?;
                books.intent(word, &found.draws, found.destination, amount)
            }
            Direction::Return => {
                payer.require(found.destination)?;
                let amount = match wanted {
                    Some(amount) => amount,
                    None => books.returnable(found).await?,
                };
                let unstated = books.unstated(project, payer.signer, word, &found.returns);
                if amount.is_zero() && !unstated.await? {
                    return Err(AppError::new(Kind::Fail, "there is nothing to return"));
                }
                books.intent(word, &found.returns, home, amount)
            }
        };
        Ok(Some(Frozen { transfer: self, intent, payer: payer.signer.address() }))
    }
}

impl Frozen {
    /// On what it rests: the request, who decided, the treasury and the policy.
    ///
    /// # Errors
    /// If the network has no treasury.
    pub fn rows(&self) -> AppResult<Vec<(&'static str, String)>> {
        let books = &self.transfer.books;
        books.rows(books.request()?)
    }

    /// Has it approved, sends it unless it was sent before, and signs the statement that names its
    /// transaction.
    ///
    /// # Errors
    /// If the key is another one than it was frozen for, the Safes are not pinned where that is
    /// asked for, nobody approves it, or it cannot be sent.
    pub async fn run(self, project: &Project, payer: &Payer<'_>) -> AppResult<TransferView> {
        let Self { transfer: Transfer { direction, books, .. }, intent, payer: frozen_for } = self;
        payer.require(frozen_for)?;
        match direction {
            Direction::Draw => relied::require_pinned(project).await?,
            Direction::Return => {
                let senders = books.senders(books.request()?).await?;
                if let Err(why) = FundRules::may_return_unadopted(&senders, books.treasury()?) {
                    if books.adopted.is_empty() {
                        return Err(AppError::new(Kind::Fail, why).hint(
                            "have the Safe adopt the policy first: `tidegate policy adopt`",
                        ));
                    }
                    relied::require_pinned(project).await?;
                }
            }
        }
        books.make(project, payer.signer, &intent, direction).await
    }
}

impl Payer<'_> {
    fn require(&self, expected: Address) -> AppResult {
        let (name, is) = (self.name, self.signer.address());
        if is == expected {
            return Ok(());
        }
        Err(AppError::new(Kind::Keys, format!("key `{name}` is {is}, not {expected}"))
            .hint("name the right key with --as KEY"))
    }
}

impl std::fmt::Debug for Payer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Refuses to draw without an approval in force, or while a transfer that is stated is not seen.
fn require_drawable(found: &RequestView) -> AppResult {
    if found.approved_until.is_none() {
        return Err(AppError::new(Kind::Fail, "the request has no approval in force")
            .hint("a person with the role `treasurer`, other than the requester, approves it"));
    }
    if found.unseen {
        let what =
            "a statement names a draw or return of this request that the chain does not show";
        return Err(AppError::new(Kind::Fail, what).hint(
            "wait until its transaction is in a block; `tidegate ledger reconcile` names it",
        ));
    }
    Ok(())
}

/// How much is drawn of what is left, in wei; `None` if nothing is left.
fn amount_of(left: U256, wanted: Option<U256>) -> AppResult<Option<U256>> {
    let amount = wanted.unwrap_or(left);
    if left.is_zero() {
        return Ok(None);
    }
    if amount > left {
        let left = format_amount(left, 18);
        let what = format!("that is more than was approved; {left} ETH are left to draw");
        return Err(AppError::new(Kind::Fail, what));
    }
    Ok(Some(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_drawn_than_is_left() {
        let [none, two, three] = [0, 2, 3].map(U256::from);
        let amount = |left, wanted| amount_of(left, wanted).map_err(|error| error.kind);
        assert_eq!(amount(two, None), Ok(Some(two)));
        assert_eq!(amount(three, Some(two)), Ok(Some(two)));
        assert_eq!(amount(two, Some(two)), Ok(Some(two)));
        assert_eq!(amount(two, Some(three)), Err(Kind::Fail));
        assert_eq!(amount(none, Some(three)), Ok(None));
        assert_eq!(amount(none, None), Ok(None));
    }
}
