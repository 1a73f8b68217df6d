use std::io::{IsTerminal, Write, stdout};

use super::Stand;

/// Standard output: on a terminal with a block at the bottom that is redrawn, elsewhere lines only.
#[derive(Debug)]
pub struct Screen {
    terminal: bool,
    colour: bool,
    /// How many lines of the block stand at the bottom now.
    block: usize,
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

impl Screen {
    /// Standard output as it is; without colours when `NO_COLOR` is set.
    #[must_use]
    pub fn new() -> Self {
        let terminal = stdout().is_terminal();
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { terminal, colour, block: 0 }
    }

    /// Whether somebody is looking.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes lines that stay, and redraws the block below them. Elsewhere than on a terminal there is no block.
    pub fn draw(&mut self, lines: &[String], block: &[String]) {
        let mut text = String::new();
        if self.block > 0 {
            // To the beginning of the old block, and erase from there.
            text.push_str(&format!("\x1b[{}F\x1b[J", self.block));
        }
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        self.block = 0;
        if self.terminal && !block.is_empty() {
            // A line that wraps would make the block higher than it is counted: no wrapping while it is drawn.
            text.push_str("\x1b[?7l");
            for line in block {
                text.push_str(line);
                text.push('\n');
            }
            text.push_str("\x1b[?7h");
            self.block = block.len();
        }
        // When nobody reads any more there is nobody to tell.
        let mut out = stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Leaves the block where it stands: what comes next is written below it.
    pub const fn leave(&mut self) {
        self.block = 0;
    }

    /// What the slot of an instance shows: serving instances show the last character of their version.
    #[must_use]
    pub fn sign(&self, stand: Stand, version: char, is_target: bool) -> String {
        let (sign, colour) = match stand {
            Stand::Available => (version, if is_target { 32 } else { 34 }),
            Stand::Launching => ('+', 33),
            Stand::Ready => ('*', 36),
            Stand::Draining => ('-', 35),
            Stand::Suspect => ('?', 31),
            Stand::Broken => ('!', 31),
        };
        if self.colour { format!("\x1b[{colour}m{sign}\x1b[0m") } else { sign.to_string() }
    }

    /// The signs in words.
    pub const LEGEND: &'static str =
        "+ launching  * ready, not for long enough yet  - draining  ! broken  ? suspect";
}
