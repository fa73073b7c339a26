//! The pictures of the manuals, drawn from the program's own data. Each is an SVG in `.github/assets`.

mod issue;
mod stages;
mod terminal;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use pilotlight::config::Config;
use pilotlight::decide::show::panel::{PanelState, PanelView};

/// For pages in light and dark colours.
const STYLE: &str = "text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.line { stroke: #59636e; fill: none; stroke-width: 2 }
.green { fill: #1f9d3a } .amber { fill: #f0a000 } .red { fill: #d92b2b }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .line { stroke: #9198a1 } }
";

/// The picture must be the one in the repository. If not, the right one is put into `target/pictures`.
fn compare(name: &str, (width, height): (usize, usize), title: &str, style: &str, body: &str) {
    let picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\">\n<title>{title}</title>\n<style>\n{STYLE}{style}</style>\n{body}</svg>\n"
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if fs::read_to_string(root.join(".github/assets").join(name)).is_ok_and(|kept| kept == picture)
    {
        return;
    }
    fs::create_dir_all(root.join("target/pictures")).unwrap();
    fs::write(root.join("target/pictures").join(name), picture).unwrap();
    panic!("{name} is out of date; type: cp target/pictures/{name} .github/assets/");
}

/// One lamp over a time in which every pattern repeats, in steps of 100 ms: the shortest part that repeats.
fn turn(view: &PanelView, lamp: usize) -> Vec<bool> {
    let lit = |step: u64| {
        let (lamps, _) = view.lamps(Duration::from_millis(step * 100));
        [lamps.green, lamps.amber, lamps.red][lamp]
    };
    let all: Vec<bool> = (0..400).map(lit).collect();
    let repeats = |turn: &usize| all.iter().zip(&all[*turn..]).all(|(now, later)| now == later);
    all[..(1..200).find(repeats).unwrap()].to_vec()
}

/// The changes of a lamp as keyframes of CSS, each as long as its part of the turn.
fn keyframes(name: &str, turn: &[bool]) -> String {
    let mut frames = String::new();
    for (step, lit) in turn.iter().enumerate() {
        if step == 0 || turn[step - 1] != *lit {
            let percent = 100.0 * step as f64 / turn.len() as f64;
            write!(frames, " {percent:.3}% {{ opacity: {} }}", if *lit { 1 } else { 0 }).unwrap();
        }
    }
    let seconds = turn.len() as f64 / 10.0;
    format!(
        "@keyframes {name} {{{frames} }} .{name} {{ animation: {name} {seconds}s step-end infinite }}\n"
    )
}

#[test]
fn the_picture_of_the_lamps_shows_the_patterns() {
    let mut views = PanelView::tour(&[]);
    views.push(PanelState::Dark.into());
    let (mut names, mut style, mut body) = (BTreeMap::new(), String::new(), String::new());
    for (row, view) in views.iter().enumerate() {
        let y = 24 + row * 32;
        for (lamp, colour) in ["green", "amber", "red"].into_iter().enumerate() {
            let x = 24 + lamp * 36;
            let turn = turn(view, lamp);
            let class = match turn[..] {
                [true] => "on".to_owned(),
                [false] => "off".to_owned(),
                _ => {
                    let name = format!("p{}", names.len());
                    names
                        .entry(turn.clone())
                        .or_insert_with(|| {
                            style += &keyframes(&name, &turn);
                            name
                        })
                        .clone()
                }
            };
            if class != "off" {
                writeln!(
                    body,
                    "<circle cx=\"{x}\" cy=\"{y}\" r=\"10\" class=\"{colour} {class}\"/>"
                )
                .unwrap();
            }
            writeln!(body, "<circle cx=\"{x}\" cy=\"{y}\" r=\"10\" class=\"line\"/>").unwrap();
        }
        writeln!(body, "<text x=\"136\" y=\"{}\">{}</text>", y + 5, view.meaning()).unwrap();
    }
    style += "@media (prefers-reduced-motion: reduce) { circle { animation: none !important } }\n";
    let size = (540, 16 + views.len() * 32);
    compare("lamps.svg", size, "Every pattern of the three lamps, and its meaning", &style, &body);
}

/// The GPIO of each pin of the first eight rows of the header; power and ground have a name.
const HEADER: [[Result<u8, &str>; 2]; 8] = [
    [Err("3.3 V"), Err("5 V")],
    [Ok(2), Err("5 V")],
    [Ok(3), Err("ground")],
    [Ok(4), Ok(14)],
    [Err("ground"), Ok(15)],
    [Ok(17), Ok(18)],
    [Ok(27), Err("ground")],
    [Ok(22), Ok(23)],
];

#[test]
fn the_picture_of_the_wiring_shows_the_default_pins() {
    let text = "[[nameserver]]\nname = \"ns1.example.net\"\naddresses = [\"192.0.2.1\"]\n[[zone]]\nname = \"example.net\"\n";
    let panel = Config::parse("pilotlight.toml", text).unwrap().panel;
    let lamps = [(panel.green, "green"), (panel.amber, "amber"), (panel.red, "red")];
    let mut body = String::from(
        "<rect x=\"300\" y=\"36\" width=\"76\" height=\"272\" rx=\"6\" class=\"line\"/>\n",
    );
    body += "<text x=\"338\" y=\"24\" text-anchor=\"middle\">the card's end</text>\n";
    for (row, pins) in HEADER.iter().enumerate() {
        let y = 56 + row * 33;
        for (column, pin) in pins.iter().enumerate() {
            let x = 320 + column * 36;
            writeln!(body, "<circle cx=\"{x}\" cy=\"{y}\" r=\"6\" class=\"line\"/>").unwrap();
            let name = pin.map_or_else(str::to_owned, |gpio| format!("GPIO {gpio}"));
            let number = row * 2 + column + 1;
            if column == 1 {
                writeln!(body, "<text x=\"386\" y=\"{}\">{number}: {name}</text>", y + 5).unwrap();
                continue;
            }
            let lamp = lamps.iter().find(|(gpio, _)| pin == &Ok(*gpio));
            let ground = (row == 4).then_some(());
            let end = if lamp.is_some() || ground.is_some() { 180 } else { 290 };
            let label = format!("{number}: {name}");
            writeln!(body, "<text x=\"292\" y=\"{}\" text-anchor=\"end\">{label}</text>", y - 6)
                .unwrap();
            if end == 180 {
                writeln!(body, "<path d=\"M314 {y} H150\" class=\"line\"/>").unwrap();
            }
            if let Some((_, colour)) = lamp {
                writeln!(body, "<path d=\"M150 {y} H40 V188\" class=\"line\"/>").unwrap();
                writeln!(
                    body,
                    "<rect x=\"140\" y=\"{}\" width=\"34\" height=\"12\" class=\"resistor\"/>",
                    y - 6
                )
                .unwrap();
                writeln!(body, "<circle cx=\"86\" cy=\"{y}\" r=\"11\" class=\"{colour}\"/>")
                    .unwrap();
            } else if ground.is_some() {
                writeln!(body, "<path d=\"M150 {y} H40\" class=\"line\"/>").unwrap();
            }
        }
    }
    for (y, text) in
        [(330, "Each lamp: pin, 330 Ω, long leg, short leg, ground."), (350, "Seen from above.")]
    {
        writeln!(body, "<text x=\"40\" y=\"{y}\">{text}</text>").unwrap();
    }
    let style = ".resistor { fill: #b5c7d9; stroke: #59636e; stroke-width: 2 }\n";
    compare("wiring.svg", (500, 364), "Three lamps on the header of a Raspberry Pi", style, &body);
}
