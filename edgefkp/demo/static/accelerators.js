// Where a network can run in this browser, and what computes there.

export const WASM = "wasm", WEBGPU = "webgpu";
export const WORDS = { [WASM]: "CPU, WebAssembly", [WEBGPU]: "GPU, WebGPU" };

// Why this browser has no WebGPU, or "".
export async function noGpu() {
  if (!navigator.gpu) return "This browser has no WebGPU, or the page is not served by https or from localhost.";
  return (await navigator.gpu.requestAdapter()) ? "" : "WebGPU finds no adapter: a GPU driver is missing.";
}

// The adapter of LiteRT.js's device: its name, and whether it is a program on the CPU.
export async function adapterOf(litert) {
  const info = litert.getWebGpuDevice()?.adapterInfo ?? (await navigator.gpu.requestAdapter())?.info;
  if (!info) return { name: "an unknown adapter", software: false };
  const name = [...new Set([info.description, info.device, info.vendor, info.architecture])].filter(Boolean).join(" ");
  const software = info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(name);
  return { name: name || "an adapter without a name", software };
}
