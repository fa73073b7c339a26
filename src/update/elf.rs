//! Whether bytes are a whole program for this machine, told by an ELF file's own tables (elf(5)). Pure.

/// What keeps them from being one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Up to what there is it may become one; it needs at least so many bytes.
    Torn(usize),
    /// It is something else.
    Other(&'static str),
}

/// `e_machine` of the machine that this runs on, and its name.
pub(super) const MACHINE: (u16, &str) = if cfg!(target_arch = "aarch64") {
    (183, "is a program, but not for 64-bit ARM: build it with --target aarch64-unknown-linux-gnu")
} else {
    (62, "is a program, but not for this machine, which is an x86-64")
};

/// Bytes of the file's header, of an entry of the program table, and of one of the section table.
const HEADER: usize = 64;
const SEGMENT: usize = 56;
const SECTION: usize = 64;

/// A section that takes no room in the file (`SHT_NOBITS`).
const NOBITS: u64 = 8;

/// Looks at all that the tables point to: a linker writes the section table last, so that a file without its
/// end is found out.
pub(super) fn whole(bytes: &[u8]) -> Result<(), Flaw> {
    let magic = b"\x7fELF";
    if !bytes.starts_with(&magic[..bytes.len().min(4)]) {
        return Err(Flaw::Other("is no program: copy what `cross build --release` has made"));
    }
    if bytes.len() < HEADER {
        return Err(Flaw::Torn(HEADER));
    }
    let kind = number(bytes, 16, 2)?;
    let known = bytes[4..6] == [2, 1] && [2, 3].contains(&kind);
    if !known || number(bytes, 18, 2)? != u64::from(MACHINE.0) {
        return Err(Flaw::Other(MACHINE.1));
    }
    // Each table: where it begins, the bytes of an entry, how many there are.
    let segments = table(bytes, (32, 54, 56), SEGMENT)?;
    let sections = table(bytes, (40, 58, 60), SECTION)?;
    for entry in segments {
        reaches(bytes, number(bytes, entry + 8, 8)?, number(bytes, entry + 32, 8)?)?;
    }
    for entry in sections {
        if number(bytes, entry + 4, 4)? != NOBITS {
            reaches(bytes, number(bytes, entry + 24, 8)?, number(bytes, entry + 32, 8)?)?;
        }
    }
    Ok(())
}

/// Where the entries of a table begin, all of which are there.
fn table(
    bytes: &[u8],
    (begin, size, count): (usize, usize, usize),
    expected: usize,
) -> Result<impl Iterator<Item = usize>, Flaw> {
    let (begin, count) = (number(bytes, begin, 8)?, number(bytes, count, 2)?);
    if count > 0 && number(bytes, size, 2)? != expected as u64 {
        return Err(Flaw::Other("is damaged: it has tables of an unknown form"));
    }
    reaches(bytes, begin, count * expected as u64)?;
    let begin = usize::try_from(begin).unwrap_or(usize::MAX);
    Ok((0..usize::try_from(count).unwrap_or(0)).map(move |n| begin + n * expected))
}

fn reaches(bytes: &[u8], begin: u64, length: u64) -> Result<(), Flaw> {
    let end = begin.saturating_add(length);
    let end = usize::try_from(end).unwrap_or(usize::MAX);
    if end > bytes.len() { Err(Flaw::Torn(end)) } else { Ok(()) }
}

fn number(bytes: &[u8], at: usize, length: usize) -> Result<u64, Flaw> {
    let field = bytes.get(at..at + length).ok_or(Flaw::Torn(at + length))?;
    Ok(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_program_passes_for_the_whole_and_the_whole_does() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(whole(&program), Ok(()));
        let ends = (0..200).chain((200..program.len()).step_by(program.len() / 200));
        for end in ends.chain([program.len() - 1]) {
            assert!(matches!(whole(&program[..end]), Err(Flaw::Torn(_))), "{end}");
        }
    }

    #[test]
    fn what_is_something_else_is_told_from_its_first_bytes() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let changed = |at: usize, byte: u8| {
            let mut other = program[..4096].to_vec();
            other[at] = byte;
            whole(&other)
        };
        let elsewhere = if MACHINE.0 == 183 { 62 } else { 183 };
        for (at, byte) in [(18, elsewhere), (4, 1), (5, 2), (16, 1)] {
            assert_eq!(changed(at, byte), Err(Flaw::Other(MACHINE.1)), "byte {at}");
        }
        assert!(matches!(changed(58, 63), Err(Flaw::Other(_) | Flaw::Torn(_))));
        for other in ["#!/bin/sh\nexit 0\n", "#", "hello"] {
            assert!(matches!(whole(other.as_bytes()), Err(Flaw::Other(_))), "{other}");
        }
    }
}
