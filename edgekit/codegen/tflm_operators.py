"""Every operator of TensorFlow Lite Micro, as its MicroMutableOpResolver knows them.

Taken from tensorflow/lite/micro/micro_mutable_op_resolver.h of August 2026. A library of another
age may lack some; its compiler then says so, or the search for the kernel's source does.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSupport:
    """How one operator is registered, and where its kernel is."""

    name: str  # as the .tflite names it; "custom:<name>" for one that is not built in
    method: str  # of MicroMutableOpResolver
    registration: str  # Register_<registration>(), in namespace tflm_signal for signal kernels
    kernel: str  # a stem in tensorflow/lite/micro/kernels; signal/<x>: in signal/micro/kernels
    int8: bool  # Register_<registration>_INT8() computes int8 only, in less flash memory
    keeps_state: bool  # its outputs depend on earlier invokes


def _op(
    name: str,
    method: str,
    kernel: str,
    *,
    int8: bool = False,
    keeps_state: bool = False,
    registration: str | None = None,
) -> OperatorSupport:
    return OperatorSupport(
        name=name,
        method=f"Add{method}",
        registration=registration or name,
        kernel=kernel,
        int8=int8,
        keeps_state=keeps_state,
    )


def _signal(name: str, registration: str, *, keeps_state: bool = False) -> OperatorSupport:
    kernel = {"FFT_AUTO_SCALE": "fft_auto_scale_kernel"}.get(registration, registration.lower())
    return _op(
        f"custom:Signal{name}",
        name,
        f"signal/{kernel}",
        keeps_state=keeps_state,
        registration=registration,
    )


#: Sorted by name. Left out is Arm's "ethos-u", whose driver is no part of the library.
OPERATORS: tuple[OperatorSupport, ...] = (
    _op("ABS", "Abs", "elementwise"),
    _op("ADD", "Add", "add", int8=True),
    _op("ADD_N", "AddN", "add_n"),
    _op("ARG_MAX", "ArgMax", "arg_min_max"),
    _op("ARG_MIN", "ArgMin", "arg_min_max"),
    _op("ASSIGN_VARIABLE", "AssignVariable", "assign_variable", keeps_state=True),
    _op("AVERAGE_POOL_2D", "AveragePool2D", "pooling", int8=True),
    _op("BATCH_MATMUL", "BatchMatMul", "batch_matmul", int8=True),
    _op("BATCH_TO_SPACE_ND", "BatchToSpaceNd", "batch_to_space_nd"),
    _op("BROADCAST_ARGS", "BroadcastArgs", "broadcast_args"),
    _op("BROADCAST_TO", "BroadcastTo", "broadcast_to"),
    _op("CALL_ONCE", "CallOnce", "call_once", keeps_state=True),
    _op("CAST", "Cast", "cast"),
    _op("CEIL", "Ceil", "ceil"),
    _op("CONCATENATION", "Concatenation", "concatenation"),
    _op("CONV_2D", "Conv2D", "conv", int8=True),
    _op("COS", "Cos", "elementwise"),
    _op("CUMSUM", "CumSum", "cumsum"),
    _op("DEPTHWISE_CONV_2D", "DepthwiseConv2D", "depthwise_conv", int8=True),
    _op("DEPTH_TO_SPACE", "DepthToSpace", "depth_to_space"),
    _op("DEQUANTIZE", "Dequantize", "dequantize"),
    _op("DIV", "Div", "div"),
    _op("DYNAMIC_UPDATE_SLICE", "DynamicUpdateSlice", "dynamic_update_slice"),
    _op("ELU", "Elu", "elu"),
    _op("EMBEDDING_LOOKUP", "EmbeddingLookup", "embedding_lookup"),
    _op("EQUAL", "Equal", "comparisons"),
    _op("EXP", "Exp", "exp"),
    _op("EXPAND_DIMS", "ExpandDims", "expand_dims"),
    _op("FILL", "Fill", "fill"),
    _op("FLOOR", "Floor", "floor"),
    _op("FLOOR_DIV", "FloorDiv", "floor_div"),
    _op("FLOOR_MOD", "FloorMod", "floor_mod"),
    _op("FULLY_CONNECTED", "FullyConnected", "fully_connected", int8=True),
    _op("GATHER", "Gather", "gather"),
    _op("GATHER_ND", "GatherNd", "gather_nd"),
    _op("GREATER", "Greater", "comparisons"),
    _op("GREATER_EQUAL", "GreaterEqual", "comparisons"),
    _op("HARD_SWISH", "HardSwish", "hard_swish"),
    _op("IF", "If", "if"),
    _op("L2_NORMALIZATION", "L2Normalization", "l2norm"),
    _op("L2_POOL_2D", "L2Pool2D", "l2_pool_2d"),
    _op("LEAKY_RELU", "LeakyRelu", "leaky_relu"),
    _op("LESS", "Less", "comparisons"),
    _op("LESS_EQUAL", "LessEqual", "comparisons"),
    _op("LOG", "Log", "elementwise"),
    _op("LOGICAL_AND", "LogicalAnd", "logical"),
    _op("LOGICAL_NOT", "LogicalNot", "elementwise"),
    _op("LOGICAL_OR", "LogicalOr", "logical"),
    _op("LOGISTIC", "Logistic", "logistic"),
    _op("LOG_SOFTMAX", "LogSoftmax", "log_softmax"),
    _op("MAXIMUM", "Maximum", "maximum_minimum", int8=True),
    _op("MAX_POOL_2D", "MaxPool2D", "pooling", int8=True),
    _op("MEAN", "Mean", "reduce"),
    _op("MINIMUM", "Minimum", "maximum_minimum", int8=True),
    _op("MIRROR_PAD", "MirrorPad", "mirror_pad"),
    _op("MUL", "Mul", "mul", int8=True),
    _op("NEG", "Neg", "neg"),
    _op("NOT_EQUAL", "NotEqual", "comparisons"),
    _op("PACK", "Pack", "pack"),
    _op("PAD", "Pad", "pad", int8=True),
    _op("PADV2", "PadV2", "pad"),
    _op("PRELU", "Prelu", "prelu"),
    _op("QUANTIZE", "Quantize", "quantize"),
    _op("READ_VARIABLE", "ReadVariable", "read_variable", keeps_state=True),
    _op("REDUCE_ALL", "ReduceAll", "reduce"),
    _op("REDUCE_MAX", "ReduceMax", "reduce"),
    _op("REDUCE_MIN", "ReduceMin", "reduce"),
    _op("RELU", "Relu", "activations"),
    _op("RELU6", "Relu6", "activations"),
    _op("RESHAPE", "Reshape", "reshape"),
    _op("RESIZE_BILINEAR", "ResizeBilinear", "resize_bilinear"),
    _op("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighbor", "resize_nearest_neighbor"),
    _op("REVERSE_V2", "ReverseV2", "reverse"),
    _op("ROUND", "Round", "round"),
    _op("RSQRT", "Rsqrt", "elementwise"),
    _op("SELECT_V2", "SelectV2", "select"),
    _op("SHAPE", "Shape", "shape"),
    _op("SIN", "Sin", "elementwise"),
    _op("SLICE", "Slice", "slice"),
    _op("SOFTMAX", "Softmax", "softmax", int8=True),
    _op("SPACE_TO_BATCH_ND", "SpaceToBatchNd", "space_to_batch_nd"),
    _op("SPACE_TO_DEPTH", "SpaceToDepth", "space_to_depth"),
    _op("SPLIT", "Split", "split"),
    _op("SPLIT_V", "SplitV", "split_v"),
    _op("SQRT", "Sqrt", "elementwise"),
    _op("SQUARE", "Square", "elementwise"),
    _op("SQUARED_DIFFERENCE", "SquaredDifference", "squared_difference"),
    _op("SQUEEZE", "Squeeze", "squeeze"),
    _op("STRIDED_SLICE", "StridedSlice", "strided_slice"),
    _op("SUB", "Sub", "sub"),
    _op("SUM", "Sum", "reduce"),
    _op("SVDF", "Svdf", "svdf", int8=True),
    _op("TANH", "Tanh", "tanh"),
    _op("TRANSPOSE", "Transpose", "transpose", int8=True),
    _op("TRANSPOSE_CONV", "TransposeConv", "transpose_conv", int8=True),
    _op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "UnidirectionalSequenceLSTM",
        "unidirectional_sequence_lstm",
        int8=True,
    ),
    _op("UNPACK", "Unpack", "unpack"),
    _op("VAR_HANDLE", "VarHandle", "var_handle", keeps_state=True),
    _op("WHILE", "While", "while"),
    _op("ZEROS_LIKE", "ZerosLike", "zeros_like"),
    _op(
        "custom:CIRCULAR_BUFFER",
        "CircularBuffer",
        "circular_buffer",
        keeps_state=True,
        registration="CIRCULAR_BUFFER",
    ),
    _signal("Delay", "DELAY", keeps_state=True),
    _signal("Energy", "ENERGY"),
    _signal("FftAutoScale", "FFT_AUTO_SCALE"),
    _signal("FilterBank", "FILTER_BANK"),
    _signal("FilterBankLog", "FILTER_BANK_LOG"),
    _signal("FilterBankSpectralSubtraction", "FILTER_BANK_SPECTRAL_SUBTRACTION", keeps_state=True),
    _signal("FilterBankSquareRoot", "FILTER_BANK_SQUARE_ROOT"),
    _signal("Framer", "FRAMER", keeps_state=True),
    _signal("Irfft", "IRFFT"),
    _signal("OverlapAdd", "OVERLAP_ADD", keeps_state=True),
    _signal("PCAN", "PCAN"),
    _signal("Rfft", "RFFT"),
    _signal("Stacker", "STACKER", keeps_state=True),
    _signal("Window", "WINDOW"),
    _op("custom:TFLM_DECODE", "Decode", "decode", registration="DECODE"),
    _op(
        "custom:TFLite_Detection_PostProcess",
        "DetectionPostprocess",
        "detection_postprocess",
        registration="DETECTION_POSTPROCESS",
    ),
)
BY_NAME = {support.name: support for support in OPERATORS}
