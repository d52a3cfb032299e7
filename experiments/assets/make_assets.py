"""Make glyphs.npz and sprites.npz from their sources; README.md beside this file says where those come from.

python -m experiments.assets.make_assets --unifont unifont.hex --ids ids.txt --sprites 16x16.png
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from experiments.checkpoint import save_arrays
from experiments.command_line import Parser

HERE = Path(__file__).parent
CJK = range(0x4E00, 0xA000)  # the block "CJK Unified Ideographs"
LEFT_RIGHT, TOP_BOTTOM, OTHER = range(3)
STRUCTURE = {"⿰": LEFT_RIGHT, "⿲": LEFT_RIGHT, "⿱": TOP_BOTTOM, "⿳": TOP_BOTTOM}
FLAT = 5 / 255  # a sprite whose pixels spread less than this is an empty cell


def read_glyphs(unifont):
    """(code points (n,), bits (n, 32) uint8 with 16 × 16 pixels each) of the ideographs in unifont.hex."""
    lines = (line.split(":") for line in unifont.read_text(encoding="ascii").split())
    glyphs = {int(code, 16): bytes.fromhex(bits) for code, bits in lines if int(code, 16) in CJK}
    codes = np.array(sorted(glyphs), dtype=np.uint16)
    return codes, np.stack([np.frombuffer(glyphs[int(code)], np.uint8) for code in codes])


def read_structure(ids, codes):
    """The structure of each code point, (n,) uint8: the first character of its ideographic description."""
    rows = (line.split("\t") for line in ids.read_text(encoding="utf-8").splitlines() if line.startswith("U+"))
    first = {int(row[0][2:], 16): row[2][0] for row in rows}
    return np.array([STRUCTURE.get(first.get(int(code)), OTHER) for code in codes], dtype=np.uint8)


def read_sprites(sheet):
    """The different, not empty cells of 16 × 16 pixels on black, (n, 16, 16, 3) uint8, in the order of the sheet."""
    pixels = np.asarray(Image.open(sheet).convert("RGBA")).astype(float)
    opaque = (pixels[..., :3] * pixels[..., 3:] / 255).round().astype(np.uint8)
    rows, columns = opaque.shape[0] // 16, opaque.shape[1] // 16
    cells = opaque[: rows * 16, : columns * 16].reshape(rows, 16, columns, 16, 3).swapaxes(1, 2).reshape(-1, 16, 16, 3)
    _, first = np.unique(cells, axis=0, return_index=True)
    cells = cells[np.sort(first)]
    return cells[cells.std((1, 2, 3)) > FLAT * 255]


def main(argv=None):
    p = Parser(prog="python -m experiments.assets.make_assets", description=__doc__.split(";")[0])
    p.add_argument("--unifont", type=Path, required=True, help="unifont.hex")
    p.add_argument("--ids", type=Path, required=True, help="ids.txt, the ideographic description sequences")
    p.add_argument("--sprites", type=Path, required=True, help="16x16.png, the sprite sheet")
    args = p.parse_args(argv)
    try:
        codes, bits = read_glyphs(args.unifont)
        save_arrays(HERE / "glyphs.npz", codes=codes, bits=bits, structure=read_structure(args.ids, codes))
        save_arrays(HERE / "sprites.npz", sprites=read_sprites(args.sprites))
    except (OSError, ValueError, IndexError, UnidentifiedImageError) as error:
        p.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
