use std::fmt::Display;

/// The known name that takes the fewest edits to reach from `text`; the first one on a tie. `None` without any name.
pub(super) fn nearest<'a, N: Display>(text: &str, known: impl IntoIterator<Item = &'a N>) -> Option<&'a N> {
    known.into_iter().min_by_key(|name| edits(text, &name.to_string()))
}

/// How many characters must be inserted, deleted or replaced to turn one text into the other (Levenshtein's distance).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, have) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, want) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(have != *want);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (from, to, expected) in
            [("", "", 0), ("", "ab", 2), ("tier-1", "tier1", 1), ("web", "bew", 2), ("kitten", "sitting", 3)]
        {
            assert_eq!(edits(from, to), expected, "{from} to {to}");
            assert_eq!(edits(to, from), expected, "{to} to {from}");
        }
    }

    #[test]
    fn the_nearest_name_is_the_first_of_the_best() {
        let known = ["api".to_owned(), "databases".to_owned(), "app".to_owned()];
        assert_eq!(nearest("apx", &known), Some(&known[0]));
        assert_eq!(nearest("database", &known), Some(&known[1]));
        assert_eq!(nearest("x", &[] as &[String]), None);
    }
}
