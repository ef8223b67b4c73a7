"""What the figures of a report are, in a sentence or two each."""

from __future__ import annotations

FIGURES: dict[str, str] = {
    "macs": "Multiply-accumulates of Conv, ConvTranspose, Gemm, MatMul, Einsum, attention, RNNs "
    "and their quantised twins. No bias, no elementwise: comparable with published figures.",
    "flops": "All arithmetic, a multiply and an add each one: 2 x macs + bias + elementwise (one "
    "an element and operation, a transcendental one). A fused operator has the sum of its parts.",
    "params": "Elements of constants in weight slots, and of elementwise operands of more than one "
    "element; a shared one once. Not scales, masks, shape tensors, running statistics.",
    "param_bytes": "Bytes of all constants as the file stores them.",
    "file_bytes": "Bytes on disk, external data included; of a weightless graph, with its weights.",
    "traffic_bytes": "read_bytes + write_bytes: each distinct input read once, only what is "
    "touched; each output written once; views move nothing. Algorithmic, as written.",
    "weight_bytes": "The part of read_bytes that is the same in every run.",
    "compulsory_bytes": "Touched bytes of the graph's inputs and constants, plus its outputs: the "
    "traffic that no fusion goes below.",
    "peak_bytes": "Most bytes of activations alive at once in execution order; weights apart.",
    "mean_activation_bytes": "Bytes of activations alive, averaged over the steps of the graph.",
    "total_activation_bytes": "Sum of all activations: what a runtime needs that reuses nothing.",
    "intensity": "flops / traffic_bytes, in FLOP per byte.",
    "ridge": "The intensity at which a device's float32 peak and its bandwidth take equally long: "
    "below it a node is bound by memory, above it by compute.",
    "latency_s": "An estimate: the larger of flops / (peak x efficiency) and traffic / (bandwidth "
    "x efficiency), plus the device's overhead per node (roofline of Williams et al., 2009).",
    "latency_low_s": "The low end: the ideal roofline, with all efficiencies 1 and no overhead; "
    "of a calibrated device that of a nominal 90 %.",
    "bound": "What takes longest of a node: compute, memory, or overhead.",
    "efficiency": "The share of the device's peak that is attainable at a node's intensity.",
    "overhead": "Seconds that each executed node costs on a device besides its work.",
}
"""By the names of the JSON contract."""
