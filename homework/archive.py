"""Files as a zip: the same bytes for the same files, whenever and wherever it is made."""

import io
import stat
import zipfile


def zipped(files, executable=()):
    """A zip of files, a dict of bytes by path in it; the paths in `executable` can be run where it is unpacked."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            info.external_attr = (stat.S_IFREG | (0o755 if path in executable else 0o644)) << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
