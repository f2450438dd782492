"""File in, file out: ``python samples/anonymize_file.py INPUT OUTPUT``."""

import sys

import streamguard


def main(source: str, output: str) -> streamguard.Report:
    """Cover every face with black boxes, and say how it went."""
    settings = streamguard.Settings(
        quality=streamguard.Quality.FAST,
        redaction=streamguard.RedactionSettings(
            effect=streamguard.Effect.SOLID, shape=streamguard.Shape.BOX
        ),
    )
    report = streamguard.anonymize(
        source, output, settings, progress=lambda now: print(f"{now.frames} frames", end="\r")
    )
    print(f"{len(report.tracks)} faces covered in {report.frames_with_faces} of {report.frames}")
    return report


if __name__ == "__main__":
    try:
        main(*sys.argv[1:3])
    except streamguard.StreamguardError as error:
        sys.exit(f"error: {error}")
