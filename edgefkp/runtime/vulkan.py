"""The adapters (GPUs, and programs that stand in for one) that Vulkan lists on this machine.

LiteRT's GPU path runs on Vulkan and has no call for the adapter's name. The standard library only: the doctor reads
this on a board that has nothing installed.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

_KINDS = ("other", "integrated GPU", "discrete GPU", "virtual GPU", "CPU")  # VkPhysicalDeviceType
_LIBRARIES = {"win32": "vulkan-1.dll", "darwin": "libvulkan.dylib"}
LIBRARY = _LIBRARIES.get(sys.platform, "libvulkan.so.1")
_NAME, _NAME_SIZE = 20, 256  # of VkPhysicalDeviceProperties.deviceName, in bytes
_KIND = 16  # of VkPhysicalDeviceProperties.deviceType
_SUCCESS, _NO_DRIVER = 0, -9  # VkResult
INSTALL = "sudo apt install libvulkan1 mesa-vulkan-drivers (Debian, Ubuntu, Raspberry Pi OS), or the GPU maker's driver"


@dataclass(frozen=True)
class Adapter:
    name: str
    # One of _KINDS.
    kind: str

    @property
    def software(self) -> bool:
        """It computes on the CPU, as SwiftShader and llvmpipe do: its times are no GPU's."""
        return self.kind == "CPU"

    def __str__(self) -> str:
        return f"{self.name} ({'software' if self.software else self.kind})"


class NoVulkan(OSError):
    """Vulkan's library, or every driver for it, is missing."""


class _InstanceInfo(ctypes.Structure):  # VkInstanceCreateInfo
    _fields_ = (
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("application", ctypes.c_void_p),
        ("layer_count", ctypes.c_uint32),
        ("layers", ctypes.c_void_p),
        ("extension_count", ctypes.c_uint32),
        ("extensions", ctypes.c_void_p),
    )


def adapters() -> list[Adapter]:
    """All that Vulkan lists, in its order. Raises NoVulkan if its library or every driver is missing.

    Drivers are loaded into this process, and one that is broken can end it: call it in a child.
    """
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise NoVulkan(f"{LIBRARY} is not installed") from error
    library.vkDestroyInstance.restype = library.vkGetPhysicalDeviceProperties.restype = None
    instance = ctypes.c_void_p()
    info = _InstanceInfo(type=1)
    result = library.vkCreateInstance(ctypes.byref(info), None, ctypes.byref(instance))
    if result == _NO_DRIVER:
        raise NoVulkan("no Vulkan driver is installed")
    if result != _SUCCESS:
        raise NoVulkan(f"Vulkan does not start (VkResult {result})")
    try:
        count = ctypes.c_uint32()
        library.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
        devices = (ctypes.c_void_p * max(1, count.value))()
        library.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), devices)
        return [_adapter(library, device) for device in devices[: count.value] if device]
    finally:
        library.vkDestroyInstance(instance, None)


def _adapter(library: ctypes.CDLL, device: int) -> Adapter:
    properties = ctypes.create_string_buffer(4096)  # VkPhysicalDeviceProperties takes 824 bytes
    library.vkGetPhysicalDeviceProperties(ctypes.c_void_p(device), properties)
    name = properties.raw[_NAME : _NAME + _NAME_SIZE].partition(b"\0")[0].decode(errors="replace")
    kind = int.from_bytes(properties.raw[_KIND : _KIND + 4], sys.byteorder)
    return Adapter(name, _KINDS[kind] if kind < len(_KINDS) else _KINDS[0])


def listed() -> list[str]:
    """The adapters in words, for messages; empty where Vulkan or its drivers are missing."""
    try:
        return [str(adapter) for adapter in adapters()]
    except NoVulkan:
        return []
