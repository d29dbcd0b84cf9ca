//! HTML and SVG in which text from outside stays text.

/// A piece of well-formed markup. Tags and attribute names come from the
/// program's own source; everything else is escaped on its way in.
///
/// ```
/// use countersign_page::Markup;
/// let mut page = Markup::new();
/// page.element("p", &[("title", "a \"b\"")], |p| {
///     p.text("1 < 2");
/// });
/// assert_eq!(page.as_str(), "<p title=\"a &quot;b&quot;\">1 &lt; 2</p>");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// Markup that another part of this program has already made well-formed
    /// and harmless. Never for text from outside.
    #[must_use]
    pub const fn trusted(markup: String) -> Self {
        Self(markup)
    }

    /// Adds text, escaped.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.0.push_str(&escape(text));
        self
    }

    /// Adds markup written in the program's own source.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds other markup.
    pub fn push(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// Adds an element with what `inside` puts into it.
    pub fn element(
        &mut self,
        tag: &'static str,
        attributes: &[(&'static str, &str)],
        inside: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.open(tag, attributes);
        self.0.push('>');
        inside(self);
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
        self
    }

    /// Adds an element with text alone.
    pub fn line(&mut self, tag: &'static str, class: &'static str, text: &str) -> &mut Self {
        let attributes = [("class", class)];
        let attributes = if class.is_empty() {
            &[][..]
        } else {
            &attributes[..]
        };
        self.element(tag, attributes, |inside| {
            inside.text(text);
        })
    }

    /// Adds an element that holds nothing, closed as SVG wants it.
    pub fn empty(&mut self, tag: &'static str, attributes: &[(&'static str, &str)]) -> &mut Self {
        self.open(tag, attributes);
        self.0.push_str("/>");
        self
    }

    fn open(&mut self, tag: &'static str, attributes: &[(&'static str, &str)]) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attributes {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            self.0.push_str(&escape(value));
            self.0.push('"');
        }
    }

    /// The markup as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The markup as text.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Makes text that came from outside harmless in HTML, in attributes too.
/// Control characters other than line breaks become the replacement character.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() && c != '\n' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn outside_text_cannot_break_out() {
        assert_eq!(
            escape("<b a='1' c=\"2\">&\u{1b}"),
            "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;\u{fffd}"
        );
    }

    proptest! {
        #[test]
        fn no_text_becomes_a_tag(text in ".*") {
            let mut made = Markup::new();
            made.element("p", &[("title", &text)], |p| { p.text(&text); });
            let inside = made.as_str();
            prop_assert_eq!(inside.matches('<').count(), 2);
            prop_assert_eq!(inside.matches('"').count(), 2);
        }
    }
}
