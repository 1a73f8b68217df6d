use std::fmt::Display;

/// The known name that takes the fewest edits to reach from `text`, two swapped characters being one; the first one on a
/// tie. `None` without any name.
pub(super) fn nearest<'a, N: Display>(text: &str, known: impl IntoIterator<Item = &'a N>) -> Option<&'a N> {
    known.into_iter().min_by_key(|name| strsim::osa_distance(text, &name.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_first_of_the_best() {
        let known = ["api".to_owned(), "databases".to_owned(), "app".to_owned()];
        assert_eq!(nearest("apx", &known), Some(&known[0]));
        assert_eq!(nearest("database", &known), Some(&known[1]));
        assert_eq!(nearest("x", &[] as &[String]), None);
        let swapped = ["db".to_owned(), "web".to_owned()];
        assert_eq!(nearest("wbe", &swapped), Some(&swapped[1]));
    }
}
