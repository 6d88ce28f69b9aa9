//! The shortest way from one list to another.

/// One step of the way, by positions in the lists.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<C> {
    /// Something new, before the end of the old list.
    Insert(usize),
    /// Something new, behind as many as the old list has.
    Append(usize),
    /// Something old is gone.
    Delete(usize),
    /// Something old became something new.
    Change(C),
}

const CHANGE_COST: u32 = 3;
const INSERT_COST: u32 = 2;
const DELETE_COST: u32 = 2;

/// What a pair costs that is not the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    /// As cheap as no change at all.
    None,
    /// Cheaper than to insert or delete.
    Low,
    /// Two that have nothing in common.
    Full,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Pair,
    New,
    Gone,
}

/// Aligns two lists of these lengths. `change` tells how a pair differs and what that costs. Of
/// equally short ways the one with more pairs is taken, and behind it the one that inserts.
pub(super) fn align<C>(
    old: usize,
    new: usize,
    mut change: impl FnMut(usize, usize) -> Option<(Cost, C)>,
) -> Vec<Step<C>> {
    let width = new + 1;
    let mut cells: Vec<(u32, Way)> = Vec::with_capacity((old + 1) * width);
    for i in 0..=old {
        for j in 0..=new {
            let at = |i: usize, j: usize| cells[i * width + j].0;
            let mut best = None;
            let mut offer = |cost: u32, way: Way| {
                if best.is_none_or(|(least, _)| cost < least) {
                    best = Some((cost, way));
                }
            };
            if i > 0 && j > 0 {
                let cost = match change(i - 1, j - 1) {
                    None | Some((Cost::None, _)) => 0,
                    Some((Cost::Low, _)) => 1,
                    Some((Cost::Full, _)) => CHANGE_COST,
                };
                offer(at(i - 1, j - 1) + cost, Way::Pair);
            }
            if j > 0 {
                let cost = if j > old { 0 } else { INSERT_COST };
                offer(at(i, j - 1) + cost, Way::New);
            }
            if i > 0 {
                offer(at(i - 1, j) + DELETE_COST, Way::Gone);
            }
            cells.push(best.unwrap_or((0, Way::Pair)));
        }
    }
    let (mut i, mut j) = (old, new);
    let mut steps = Vec::new();
    while i > 0 || j > 0 {
        match cells[i * width + j].1 {
            Way::Pair => {
                (i, j) = (i - 1, j - 1);
                steps.extend(change(i, j).map(|(_, change)| Step::Change(change)));
            }
            Way::New => {
                j -= 1;
                steps.push(if j >= old { Step::Append(j) } else { Step::Insert(j) });
            }
            Way::Gone => {
                i -= 1;
                steps.push(Step::Delete(i));
            }
        }
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_way_is_found() {
        let cases: [(&str, &str, &str); 8] = [
            ("abc", "abc", ""),
            ("abc", "abcde", "+d +e"),
            ("abc", "aXbc", "^X"),
            ("abc", "ac", "-b"),
            ("abc", "aXc", "b>X"),
            ("abc", "bc", "-a"),
            ("", "ab", "+a +b"),
            ("ab", "", "-a -b"),
        ];
        for (old, new, expected) in cases {
            let letter = |text: &str, at: usize| text.as_bytes()[at] as char;
            let steps = align(old.len(), new.len(), |i, j| {
                let (old, new) = (letter(old, i), letter(new, j));
                (old != new).then(|| (Cost::Full, format!("{old}>{new}")))
            });
            let steps = steps.into_iter().map(|step| match step {
                Step::Insert(j) => format!("^{}", letter(new, j)),
                Step::Append(j) => format!("+{}", letter(new, j)),
                Step::Delete(i) => format!("-{}", letter(old, i)),
                Step::Change(change) => change,
            });
            assert_eq!(steps.collect::<Vec<_>>().join(" "), expected, "{old} to {new}");
        }
    }
}
