"""The one door to Open3D, which is slow to import and picky about system libraries."""

import ctypes
from types import ModuleType

from perception_label.errors import MissingExtraError


def load_open3d() -> ModuleType:
    """Import Open3D; its wheel asks for libusb, which a bare machine lacks and a wheel brings.

    Raises
    ------
    MissingExtraError
        If a system library is missing; the message names it.
    """
    try:
        import libusb_package

        # Loaded first: the loader then takes this copy for the name Open3D asks for.
        ctypes.CDLL(str(libusb_package.get_library_path()))
    except (ImportError, OSError):
        pass  # no bundled copy for this platform: the system's may be there
    try:
        import open3d
    except (ImportError, OSError) as error:
        raise MissingExtraError(
            "open3d: expected its system libraries (Debian: libgl1 libegl1 libx11-6 libudev1 "
            f"libidn2-0 libgomp1), got: {error}"
        ) from None
    module: ModuleType = open3d
    return module
