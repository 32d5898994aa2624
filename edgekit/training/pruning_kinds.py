"""What kinds of layers do to channels: layers and operations of Keras, by class."""

#: Kinds that treat each channel by itself and keep them where they are.
PASSING = frozenset(
    [
        "ReLU",
        "LeakyReLU",
        "ELU",
        "Dropout",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "GaussianNoise",
        "GaussianDropout",
        "MaxPooling1D",
        "MaxPooling2D",
        "AveragePooling1D",
        "AveragePooling2D",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "ZeroPadding1D",
        "ZeroPadding2D",
        "Cropping1D",
        "Cropping2D",
        "UpSampling1D",
        "UpSampling2D",
        "Identity",
        "ActivityRegularization",
        "Relu",
        "Relu6",
        "HardSilu",
        "HardSigmoid",
        "Sigmoid",
        "Silu",
        "Gelu",
        "Tanh",
        "Elu",
        "Negative",
        "Absolute",
        "Square",
    ]
)
#: Kinds that combine tensors, each channel with its like.
ELEMENTWISE = frozenset(
    ["Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Average", "Maximum", "Minimum"]
)
#: Functions that treat each number by itself.
ACTIVATIONS = frozenset(
    [
        "linear",
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "swish",
        "hard_silu",
        "hard_swish",
        "hard_sigmoid",
        "sigmoid",
        "tanh",
        "softplus",
        "softsign",
        "exponential",
        "mish",
    ]
)
#: Kinds that mix all channels into new ones.
CONVOLUTIONS = frozenset(["Conv1D", "Conv2D", "Conv2DTranspose", "Dense"])
#: Kinds that filter each channel by itself.
DEPTHWISE = frozenset(["DepthwiseConv1D", "DepthwiseConv2D"])
#: Kinds that do the one and then the other.
SEPARABLE = frozenset(["SeparableConv1D", "SeparableConv2D"])
