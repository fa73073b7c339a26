//! The same panel on a screen, with the words beside it.

use std::io::{IsTerminal, Stdout, Write};

use crate::decide::show::panel::{Lamps, PanelView};
use crate::io::gpio::driver::{Driver, LampError};

const ERASE_TO_END: &str = "\x1b[K";
/// A line that is too long is cut: if it wrapped, the next one would not be drawn over it but below.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// Draws `● green  ○ amber  ○ red   all well`, and `● lamp 5` for each lamp of a nameserver's own.
#[derive(Debug)]
pub struct Terminal<W> {
    out: W,
    colour: bool,
    in_place: bool,
    words: String,
    own: Vec<u8>,
    /// A view was announced, and no line of it is written yet.
    announced: bool,
}

impl<W: Write> Terminal<W> {
    /// For a screen: one line, drawn again over itself at each blink, gone when the lamps go dark.
    pub fn in_place(out: W, colour: bool) -> Self {
        Self {
            out,
            colour,
            in_place: true,
            words: String::new(),
            own: Vec::new(),
            announced: false,
        }
    }

    /// For a file or a pipe: a line for each new view, with its first frame, and none for a blink.
    pub fn lines(out: W, colour: bool) -> Self {
        Self { in_place: false, ..Self::in_place(out, colour) }
    }

    fn line(&self, lamps: Lamps) -> String {
        let dot = |lit, colour: u8| match (lit, self.colour) {
            (true, true) => format!("\x1b[{colour}m●\x1b[0m"),
            (true, false) => "●".into(),
            (false, _) => "○".into(),
        };
        let [green, amber, red] = [(lamps.green, 32), (lamps.amber, 33), (lamps.red, 31)]
            .map(|(lit, colour)| dot(lit, colour));
        let own = self.own.iter().map(|&lamp| {
            // What says "well" when it is lit is green.
            format!("  {} lamp {lamp}", dot(lamps.subjects.has(lamp), 32))
        });
        let own: String = own.collect();
        let line = format!("{green} green  {amber} amber  {red} red{own}   {}", self.words);
        line.trim_end().to_owned()
    }

    fn write(&mut self, text: &str) -> Result<(), LampError> {
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        written.map_err(|error| LampError::new(self.name(), error))
    }
}

impl Terminal<Stdout> {
    /// On standard output, in place if that is a terminal.
    pub fn stdout(colour: bool) -> Self {
        let out = std::io::stdout();
        if out.is_terminal() { Self::in_place(out, colour) } else { Self::lines(out, colour) }
    }
}

impl<W: Write> Driver for Terminal<W> {
    fn name(&self) -> &str {
        "terminal"
    }

    fn announce(&mut self, view: &PanelView) -> Result<(), LampError> {
        self.words = view.meaning();
        self.own = view.lamps.iter().map(|own| own.lamp).collect();
        self.announced = true;
        Ok(())
    }

    fn show(&mut self, lamps: Lamps) -> Result<(), LampError> {
        let line = self.line(lamps);
        if self.in_place {
            self.write(&format!("\r{NO_WRAP}{line}{ERASE_TO_END}{WRAP}"))
        } else if std::mem::take(&mut self.announced) {
            self.write(&format!("{line}\n"))
        } else {
            Ok(())
        }
    }

    fn dark(&mut self) -> Result<(), LampError> {
        if self.in_place {
            self.write(&format!("\r{ERASE_TO_END}")) // the line is free for whoever writes next
        } else {
            self.show(Lamps::DARK)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::decide::show::panel::{LampState, PanelState, SubjectLamp};

    const GREEN: Lamps = Lamps { green: true, amber: false, red: false, ..Lamps::DARK };
    const RED: Lamps = Lamps { green: false, amber: false, red: true, ..Lamps::DARK };

    /// Everything that is drawn for two views, the second one blinking once, and the end.
    fn drawn(mut terminal: Terminal<Vec<u8>>) -> String {
        terminal.show(Lamps::DARK).unwrap();
        terminal.announce(&PanelState::Well.into()).unwrap();
        terminal.show(GREEN).unwrap();
        terminal.announce(&PanelState::Down(vec![2]).into()).unwrap();
        terminal.show(RED).unwrap();
        terminal.show(Lamps::DARK).unwrap();
        terminal.announce(&PanelState::Dark.into()).unwrap();
        terminal.dark().unwrap();
        String::from_utf8(terminal.out).unwrap()
    }

    #[test]
    fn a_pipe_gets_one_line_for_each_state() {
        assert_eq!(
            drawn(Terminal::lines(Vec::new(), false)),
            "● green  ○ amber  ○ red   all well\n\
             ○ green  ○ amber  ● red   nameserver 2 is down\n\
             ○ green  ○ amber  ○ red   not running\n",
        );
    }

    #[test]
    fn a_screen_gets_one_line_that_is_redrawn_and_removed() {
        let text = drawn(Terminal::in_place(Vec::new(), false));
        assert!(!text.contains('\n'));
        let plain = text.replace(NO_WRAP, "").replace(WRAP, "").replace(ERASE_TO_END, "");
        let frames: Vec<&str> = plain.split('\r').collect();
        assert_eq!(
            frames,
            [
                "",
                "○ green  ○ amber  ○ red",
                "● green  ○ amber  ○ red   all well",
                "○ green  ○ amber  ● red   nameserver 2 is down",
                "○ green  ○ amber  ○ red   nameserver 2 is down",
                "",
            ],
        );
    }

    #[test]
    fn the_lamps_of_nameservers_stand_beside_the_three() {
        let mut terminal = Terminal::lines(Vec::new(), false);
        let mut view = PanelView::from(PanelState::Down(vec![2]));
        view.lamps = vec![(5, LampState::Well), (13, LampState::Down)]
            .into_iter()
            .map(|(lamp, sign)| SubjectLamp { lamp, state: sign })
            .collect();
        terminal.announce(&view).unwrap();
        terminal.show(view.lamps(Duration::ZERO).0).unwrap();
        assert_eq!(
            String::from_utf8(terminal.out).unwrap(),
            "○ green  ○ amber  ● red  ● lamp 5  ○ lamp 13   nameserver 2 is down\n",
        );
    }

    #[test]
    fn only_lit_lamps_have_a_colour_and_only_if_requested() {
        let terminal = Terminal::lines(Vec::new(), true);
        let all = Lamps { green: true, amber: true, red: true, ..Lamps::DARK };
        assert_eq!(
            terminal.line(all),
            "\x1b[32m●\x1b[0m green  \x1b[33m●\x1b[0m amber  \x1b[31m●\x1b[0m red",
        );
        assert!(!terminal.line(Lamps::DARK).contains('\x1b'));
        assert!(!drawn(Terminal::lines(Vec::new(), false)).contains('\x1b'));
    }
}
