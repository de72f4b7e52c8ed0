//! Text of others, as one line that can be shown and stored.

/// The longest value of a tag, in characters:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions>
pub(crate) const LONGEST_TAG: usize = 256;

/// The text on one line of at most so many characters. EC2 answers in XML, which has no way to
/// write most control characters: a snapshot with one in a tag may not be listed again. Marks that
/// turn the direction of text or cannot be seen hide what is written.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.chars().filter(|&c| !is_unseen(c)).map(shown).collect();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = words.chars().take(most).collect();
    line.trim_end().to_owned()
}

fn is_unseen(c: char) -> bool {
    let code = u32::from(c);
    // Noncharacters: the last two of each plane, and a block of Arabic presentation forms.
    let none = code & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&code);
    none || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn field_case_aws_7_no_control_characters() {
        let seen = |text| one_line(text, 256);
        assert_eq!(
            seen("shop.\u{1b}[31morders\u{1}: Corrupt"),
            "shop. [31morders : Corrupt"
        );
        assert_eq!(seen(" a\r\n\tb\u{85}c\u{2028}d\u{0}"), "a b c d");
        assert_eq!(
            seen("x\u{202e}y\u{200b}z\u{feff}\u{fffe}\u{ffff}\u{1fffe}"),
            "xyz"
        );
        assert_eq!(
            seen("Gr\u{fc}\u{df}e \u{1f600}"),
            "Gr\u{fc}\u{df}e \u{1f600}"
        );
    }

    #[test]
    fn counts_characters_and_not_bytes() {
        for c in ["é", "漢", "\u{1f600}"] {
            assert_eq!(one_line(&c.repeat(300), 256), c.repeat(256));
        }
        assert_eq!(one_line("ab cd", 3), "ab");
    }
}
