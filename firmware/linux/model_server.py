"""The board's side of the link for engines that are an interpreter on Linux: LiteRT, ONNX Runtime.

    python3 model_server.py litert|onnxruntime MODEL [--name NAME] [--board ID] [--version TEXT]
                            [--threads N] [--reference]

It speaks the protocol of docs/protocol.md over its standard input and output, as the C server does,
until its input ends. It needs nothing but Python 3.7, NumPy and the interpreter's package, for it
runs on whatever system a Raspberry Pi has. The log has what the protocol has no field for:
"engine_version ..." and "peak_rss_bytes ...".
"""

import argparse
import hashlib
import os
import resource
import struct
import sys
import time
import zlib

VERSION, REPLY = 1, 0x80
OK, ARGUMENT, STATE, UNSUPPORTED, PORT = 0, 1, 3, 6, 7
BUSY, DAMAGED, SESSION, UNKNOWN, OTHER_VERSION = 0x80, 0x81, 0x82, 0x83, 0x84
HELLO, TENSOR, WRITE_INPUT, INVOKE, READ_OUTPUT, ECHO, LOG = 1, 2, 4, 5, 6, 10, 11
POWER_ON = 1
PAYLOAD_BYTES = 16384
SAMPLES = PAYLOAD_BYTES // 8
TICKS_HZ = 1000000000
TYPES = {"int8": 1, "uint8": 2, "int16": 3, "int32": 4, "int64": 5, "float32": 6, "bool": 7}
NO_PACKAGE, BAD_MODEL = 3, 4  # exit codes


class RefusedError(Exception):
    """A request that cannot be carried out: status, and the cause in words."""


def leave(code, words):
    """End at once, with the reason on standard error."""
    sys.stderr.write(words + "\n")
    sys.exit(code)


# ---- the interpreters ----------------------------------------------------------------------


class Tensor:
    """One input or output."""

    def __init__(self, name, dtype, shape, scale=0.0, zero_point=0):
        self.name, self.dtype, self.shape = name, dtype, tuple(int(n) for n in shape)
        self.scale, self.zero_point = float(scale), int(zero_point)
        if dtype.name not in TYPES:
            leave(BAD_MODEL, f"tensor {name} is of type {dtype}, which the link has not")
        count = 1
        for n in self.shape:
            count *= n
        self.size_bytes = count * dtype.itemsize


class LiteRt:
    """ai-edge-litert, or what came before it."""

    def __init__(self, path, threads, reference):
        make, self.version = self._package()
        options = {}
        if reference:
            kinds = sys.modules[make.__module__].OpResolverType
            options["experimental_op_resolver_type"] = kinds.BUILTIN_REF
        try:
            self._interpreter = make(model_path=path, num_threads=threads, **options)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            leave(BAD_MODEL, f"{self.version} takes no such model: {error}")
        described = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._inputs, self._outputs = ([d["index"] for d in ds] for ds in described)
        self.inputs, self.outputs = ([self._tensor(d) for d in ds] for ds in described)

    def _package(self):
        for module, package in (
            ("ai_edge_litert.interpreter", "ai-edge-litert"),
            ("tflite_runtime.interpreter", "tflite-runtime"),
            ("tensorflow.lite", "tensorflow"),
        ):
            try:
                found = __import__(module, fromlist=["Interpreter"])
            except ImportError:
                continue
            return found.Interpreter, f"{package} {version_of(package, module)}"
        return leave(
            NO_PACKAGE,
            f"{sys.executable} has neither ai-edge-litert nor tflite-runtime nor tensorflow",
        )

    def _tensor(self, details):
        import numpy

        scale, zero_point = details["quantization"]
        dtype = numpy.dtype(details["dtype"])
        return Tensor(details["name"], dtype, details["shape"], scale, zero_point)

    def load(self, arrays):
        """Give the model its inputs."""
        for index, array in zip(self._inputs, arrays):
            self._interpreter.set_tensor(index, array)

    def invoke(self):
        """Run once."""
        self._interpreter.invoke()

    def results(self):
        """The outputs' bytes."""
        return [self._interpreter.get_tensor(index).tobytes() for index in self._outputs]


class OnnxRuntime:
    """onnxruntime, on the CPU."""

    def __init__(self, path, threads, reference):
        try:
            import onnxruntime
        except ImportError:
            leave(NO_PACKAGE, f"{sys.executable} has no onnxruntime")
        self.version = "onnxruntime " + onnxruntime.__version__
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        if reference:
            level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            options.graph_optimization_level = level
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its own kinds, which have no common base
            words = str(error).strip().splitlines() or ["no reason given"]
            leave(BAD_MODEL, f"{self.version} takes no such model: {words[0]}")
        self.inputs = [self._tensor(one) for one in self._session.get_inputs()]
        self._names = [one.name for one in self._session.get_outputs()]
        self._feeds, self._results = {}, []
        self.outputs = self._outputs()

    def _tensor(self, described, shape=None):
        import numpy

        kind = described.type
        name = kind[len("tensor(") : -1]
        name = "float32" if name == "float" else name
        if name not in TYPES:
            leave(BAD_MODEL, f"tensor {described.name} is a {kind}, which the link has not")
        # a batch or another size that the model leaves open is 1
        sizes = [n if isinstance(n, int) and n > 0 else 1 for n in described.shape]
        return Tensor(described.name, numpy.dtype(name), shape or sizes)

    def _outputs(self):
        """Their shapes may be open in the model, but not in what it computes."""
        import numpy

        self.load([numpy.zeros(one.shape, one.dtype) for one in self.inputs])
        self.invoke()
        shapes = [result.shape for result in self._results]
        described = self._session.get_outputs()
        return [self._tensor(one, shape) for one, shape in zip(described, shapes)]

    def load(self, arrays):
        """Give the model its inputs."""
        self._feeds = {one.name: array for one, array in zip(self.inputs, arrays)}

    def invoke(self):
        """Run once."""
        self._results = self._session.run(self._names, self._feeds)

    def results(self):
        """The outputs' bytes."""
        return [result.tobytes() for result in self._results]


ENGINES = {"litert": LiteRt, "onnxruntime": OnnxRuntime}


def version_of(package, module):
    """The version of an installed package."""
    try:
        from importlib import metadata

        return metadata.version(package)
    except Exception:  # before Python 3.8, or a package that was only copied there
        return str(getattr(sys.modules[module.split(".")[0]], "__version__", "of unknown version"))


# ---- frames --------------------------------------------------------------------------------


def stuffed(body):
    """COBS."""
    out = bytearray()
    blocks = body.split(b"\0")
    for number, block in enumerate(blocks):
        is_last = number == len(blocks) - 1
        while len(block) >= 254:
            out += b"\xff" + block[:254]
            block = block[254:]
            if is_last and not block:
                return bytes(out)
        out.append(len(block) + 1)
        out += block
    return bytes(out)


def unstuffed(encoded):
    """The reverse; None if a code byte points past the end."""
    out, at = bytearray(), 0
    while at < len(encoded):
        code = encoded[at]
        block = encoded[at + 1 : at + code]
        at += code
        if len(block) != code - 1:
            return None
        out += block
        if code < 255 and at < len(encoded):
            out.append(0)
    return bytes(out)


def framed(body):
    """A body as it goes over the wire."""
    return b"\0" + stuffed(body + struct.pack("<I", zlib.crc32(body))) + b"\0"


def unframed(encoded):
    """The body of a frame; None if it is damaged."""
    whole = unstuffed(encoded)
    if whole is None or len(whole) < 12 or len(whole) > PAYLOAD_BYTES + 12:
        return None
    body = whole[:-4]
    return body if struct.pack("<I", zlib.crc32(body)) == whole[-4:] else None


class Frames:
    """Finds frames in a stream."""

    def __init__(self):
        self._is_inside, self._collected = False, bytearray()

    def of(self, received):
        """The bodies of the frames that `received` ends, None for each that is damaged."""
        first, *rest = received.split(b"\0")
        found = []
        self._take(first)
        for part in rest:
            if self._is_inside and self._collected:
                body = unframed(bytes(self._collected))
                found.append(body)
                # after a damaged frame, the zero may be the next one's first
                self._is_inside = body is None
            else:
                self._is_inside = True
            self._collected.clear()
            self._take(part)
        return found

    def _take(self, part):
        if self._is_inside and len(self._collected) <= 2 * PAYLOAD_BYTES:
            self._collected += part


# ---- the server ----------------------------------------------------------------------------


def text(words, most):
    """A string of the protocol."""
    raw = words.encode()[:most]
    return bytes([len(raw)]) + raw


def parsed(form, request):
    """The fields of a request that has these and no others."""
    if len(request) != struct.calcsize(form):
        raise RefusedError(ARGUMENT, "the request is malformed")
    return struct.unpack(form, request)


class Server:
    """One model, and one conversation at a time."""

    def __init__(self, arguments, runtime, link):
        self._arguments, self._runtime, self._link = arguments, runtime, link
        with open(arguments.model, "rb") as file:
            self._digest = hashlib.sha256(file.read()).digest()
        self._session, self._answered, self._reply = 0, None, b""
        self._forget()
        self._answers = {
            HELLO: self._hello,
            TENSOR: self._tensor,
            WRITE_INPUT: self._write_input,
            INVOKE: self._invoke,
            READ_OUTPUT: self._read_output,
            ECHO: lambda request: request,
            LOG: self._log,
        }

    def serve(self):
        """Answer until the input ends."""
        frames = Frames()
        while True:
            received = os.read(0, 65536)
            if not received:
                return
            for body in frames.of(received):
                if body is None:
                    self._write(struct.pack("<BBHI", REPLY, DAMAGED, 0, self._session))
                else:
                    self._take(body)

    def _take(self, body):
        message, _, sequence, session = struct.unpack_from("<BBHI", body)
        key = (session, sequence, zlib.crc32(body))
        if key == self._answered:
            self._write(self._reply)
            return
        self._header = (message | REPLY, sequence, session)
        try:
            status, answer = OK, self._answer(message, session, body[8:])
        except RefusedError as refusal:
            status, answer = refusal.args[0], refusal.args[1].encode()
        reply = self._headed(status) + answer
        if status < BUSY:
            self._answered, self._reply = key, reply
        self._write(reply)

    def _headed(self, status):
        message, sequence, session = self._header
        return struct.pack("<BBHI", message, status, sequence, session)

    def _answer(self, message, session, request):
        if message == HELLO:
            if request[:1] != bytes([VERSION]):
                raise RefusedError(OTHER_VERSION, chr(VERSION))
            if session != self._session:
                self._session = session
                self._forget()
        elif session != self._session:
            raise RefusedError(SESSION, "")
        if message not in self._answers:
            raise RefusedError(UNKNOWN, "")
        return self._answers[message](request)

    def _write(self, body):
        frame = framed(body)
        while frame:
            frame = frame[os.write(self._link, frame) :]

    def _forget(self):
        self._written = [bytearray(one.size_bytes) for one in self._runtime.inputs]
        self._results = None

    def _hello(self, _):
        runtime, given = self._runtime, self._arguments
        head = struct.pack(
            "<BBBBHHHHHIII",
            *(VERSION, 0, POWER_ON, OK, PAYLOAD_BYTES, SAMPLES),
            *(len(runtime.inputs), len(runtime.outputs), 0, 0, 0, TICKS_HZ),
        )
        strings = (given.board, given.engine, given.name, given.version)
        return head + self._digest + b"".join(text(one, 48) for one in strings)

    def _tensor(self, request):
        is_output, i = parsed("<BH", request)
        tensors = self._runtime.outputs if is_output else self._runtime.inputs
        if i >= len(tensors):
            raise RefusedError(ARGUMENT, "the model has no such tensor")
        one = tensors[i]
        shape = struct.pack(f"<{len(one.shape)}i", *one.shape)
        head = bytes([TYPES[one.dtype.name], len(one.shape)]) + shape
        return (
            head
            + struct.pack("<Ifi", one.size_bytes, one.scale, one.zero_point)
            + text(one.name, 96)
        )

    def _write_input(self, request):
        if len(request) < 6:
            raise RefusedError(ARGUMENT, "the request is malformed")
        i, at = struct.unpack_from("<HI", request)
        part = request[6:]
        if i >= len(self._written) or at + len(part) > len(self._written[i]):
            raise RefusedError(ARGUMENT, "these bytes end past the end of the input")
        self._written[i][at : at + len(part)] = part
        return b""

    def _invoke(self, request):
        import numpy

        count, warmup = parsed("<HH", request)
        if count > SAMPLES:
            raise RefusedError(ARGUMENT, "these are more runs than one reply has room for")
        self._write(self._headed(BUSY))
        arrays = [
            numpy.frombuffer(bytes(written), one.dtype).reshape(one.shape)
            for one, written in zip(self._runtime.inputs, self._written)
        ]
        ticks = []
        try:
            for run in range(warmup + count):
                self._runtime.load(arrays)
                start = time.perf_counter_ns()
                self._runtime.invoke()
                end = time.perf_counter_ns()
                if run >= warmup:
                    ticks.append(end - start)
            self._results = self._runtime.results()
        except Exception as error:  # whatever the interpreter raises, the link goes on
            words = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise RefusedError(STATE, "the model's invoke failed: " + words) from error
        return struct.pack(f"<{count}Q", *ticks)

    def _read_output(self, request):
        i, at, count = parsed("<HIH", request)
        if self._results is None:
            raise RefusedError(STATE, "no run has ended yet")
        if i >= len(self._results) or at + count > len(self._results[i]) or count > PAYLOAD_BYTES:
            raise RefusedError(ARGUMENT, "the output has no such bytes")
        return self._results[i][at : at + count]

    def _log(self, request):
        (start,) = parsed("<I", request)
        peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        told = f"engine_version {self._runtime.version}\npeak_rss_bytes {peak_kib * 1024}\n"
        return struct.pack("<I", start) + told.encode()[start : start + PAYLOAD_BYTES - 4]


def main():
    """Serve the model that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", choices=sorted(ENGINES))
    parser.add_argument("model")
    parser.add_argument("--name", default="model")
    parser.add_argument("--board", default="linux")
    parser.add_argument("--version", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--reference", action="store_true", help="kernels as plain as they are")
    arguments = parser.parse_args()
    link = os.dup(1)
    os.dup2(2, 1)  # interpreters print what they like
    try:
        import numpy  # noqa: F401 - so that it is missing here, and nowhere later
    except ImportError:
        leave(NO_PACKAGE, f"{sys.executable} has no numpy")
    runtime = ENGINES[arguments.engine](arguments.model, arguments.threads, arguments.reference)
    Server(arguments, runtime, link).serve()


if __name__ == "__main__":
    main()
