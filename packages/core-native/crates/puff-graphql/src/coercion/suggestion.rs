//! "Did you mean ..?", as graphql-js asks it.

/// How many names are suggested at most.
const MAX_SUGGESTIONS: usize = 5;
/// Names longer than this get no suggestion: to compare them takes time.
const MAX_LENGTH: usize = 100;

/// A question to put behind a message: which of the names may have been meant by `input`. Empty if
/// none is near. `kind` is what the names are, if that has to be said.
pub(crate) fn did_you_mean<'a>(
    kind: Option<&str>,
    input: &str,
    names: impl Iterator<Item = &'a str>,
) -> String {
    if input.len() > MAX_LENGTH {
        return String::new();
    }
    let threshold = input.len() * 4 / 10 + 1;
    let mut near: Vec<(usize, &str)> = names
        .filter(|name| name.len() <= MAX_LENGTH)
        .filter_map(|name| {
            let distance = distance(input, name);
            (distance <= threshold).then_some((distance, name))
        })
        .collect();
    near.sort();
    near.truncate(MAX_SUGGESTIONS);
    let quoted: Vec<String> = near.iter().map(|(_, name)| format!("\"{name}\"")).collect();
    let list = match quoted.as_slice() {
        [] => return String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} or {two}"),
        [rest @ .., last] => format!("{}, or {last}", rest.join(", ")),
    };
    let kind = kind.map(|kind| format!("{kind} ")).unwrap_or_default();
    format!(" Did you mean {kind}{list}?")
}

/// The Damerau-Levenshtein distance (only neighbours swapped); a difference in case alone is 1.
fn distance(a: &str, b: &str) -> usize {
    if a == b {
        return 0;
    }
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    if a == b {
        return 1;
    }
    let mut before = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_near_names() {
        let names = ["name", "nickname", "owner"];
        let suggest = |input| did_you_mean(None, input, names.into_iter());
        assert_eq!(suggest("nmae"), " Did you mean \"name\"?");
        assert_eq!(suggest("NAME"), " Did you mean \"name\"?");
        assert_eq!(suggest("zzzz"), "");
        assert_eq!(
            did_you_mean(Some("the enum value"), "RDE", ["RED", "RDX"].into_iter()),
            " Did you mean the enum value \"RDX\" or \"RED\"?"
        );
    }
}
