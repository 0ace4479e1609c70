//! Tables of the status page, with everything in them escaped.

use std::fmt::Write as _;

/// Begins a table under a title.
pub(super) fn begin(html: &mut String, title: &str, columns: &[&str]) {
    let _ = write!(html, "<h2>{title}</h2><table><tr>");
    for column in columns {
        let _ = write!(html, "<th>{column}");
    }
    html.push_str("</tr>");
}

/// Ends it.
pub(super) fn end(html: &mut String) {
    html.push_str("</table>");
}

/// One row; the class is a word of this program.
pub(super) fn row(html: &mut String, class: &str, cells: &[String]) {
    let _ = write!(html, "<tr class=\"{class}\">");
    for cell in cells {
        html.push_str("<td>");
        push_escaped(html, cell);
    }
    html.push_str("</tr>");
}

/// The first characters, a third of them and four at most: enough to tell rows apart, not enough to use.
pub(super) fn masked(text: &str) -> String {
    let shown = (text.chars().count() / 3).min(4);
    text.chars().take(shown).chain("····".chars()).collect()
}

fn push_escaped(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_escaped_and_masked() {
        let mut html = String::new();
        row(&mut html, "x", &["<a href='x'>&\"".to_owned()]);
        assert_eq!(html, "<tr class=\"x\"><td>&lt;a href=&#39;x&#39;&gt;&amp;&quot;</tr>");
        assert_eq!(masked("0123456789ab"), "0123····");
        assert_eq!(masked("0123"), "0····");
        assert_eq!(masked(""), "····");
    }
}
