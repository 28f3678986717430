"""Measures what knn_benchmark measures, with PyTorch and Keras, and prints the same lines.

    peers.py [options] FIGURE...            FIGURE: train predict one; Keras also: pictures epoch cold

One process measures one peer in one variant, since thread counts and malloc's settings belong to a process.
"""
import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata

BATCH = 32
LEAST_RUNS = 5

# Input shape and layers, as in nets.c. C: convolution 3x3 and ReLU; W: the same of 5x5; S: 3x3 with padding SAME and batch normalization, ReLU;
# P: max-pooling 2x2; F: flatten; D: dropout; L: dense with ReLU; O: the output, sigmoid or softmax.
NETS = {
    "catdog": ((150, 150, 3), "C32 P C64 P C128 P C128 P C256 P F D L512 O1"),
    "vgg": ((64, 64, 3), "S32 S32 P S64 S64 P S128 S128 P F L256 O10"),
    "mnist": ((28, 28, 1), "C32 P C64 P F D O10"),
    "cifar": ((32, 32, 3), "C32 P C64 P C64 F L64 O10"),
    "wide": ((64, 64, 3), "W32 P W64 P F L128 O10"),
}


def layers(net):
    """(letter, number or None) of each layer."""
    return [(word[0], int(word[1:]) if word[1:] else None) for word in NETS[net][1].split()]


class PyTorch:
    """Layout and compilation are the variants: eager, channels_last, compiled (which is channels_last, too)."""

    def __init__(self, options):
        import torch
        self.torch, self.options, self.variant = torch, options, options.variant
        self.name = f"PyTorch {torch.__version__.split('+')[0]}"
        torch.set_num_threads(options.threads)
        height, width, channels = NETS[options.net][0]
        outputs = layers(options.net)[-1][1]
        self.x = torch.rand(BATCH, channels, height, width)
        model = torch.nn.Sequential(*[part for layer in layers(options.net) for part in self.parts(*layer)])
        model(self.x)                       # the lazy layers take their shapes from it
        if options.variant != "eager":
            model = model.to(memory_format=torch.channels_last)
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        self.optimizer = (torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, eps=1e-7) if outputs == 1
                          else torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7))
        self.loss = torch.nn.BCEWithLogitsLoss() if outputs == 1 else torch.nn.CrossEntropyLoss()
        self.y = torch.rand(BATCH, 1).round() if outputs == 1 else torch.arange(BATCH) % outputs
        self.model = torch.compile(model) if options.variant == "compiled" else model

    def parts(self, letter, size):
        nn = self.torch.nn
        return {
            "C": lambda: [nn.LazyConv2d(size, 3), nn.ReLU()],
            "W": lambda: [nn.LazyConv2d(size, 5), nn.ReLU()],
            "S": lambda: [nn.LazyConv2d(size, 3, padding=1), nn.LazyBatchNorm2d(eps=1e-3, momentum=0.01), nn.ReLU()],
            "P": lambda: [nn.MaxPool2d(2)],
            "F": lambda: [nn.Flatten()],
            "D": lambda: [nn.Dropout(0.5)],
            "L": lambda: [nn.LazyLinear(size), nn.ReLU()],
            "O": lambda: [nn.LazyLinear(size)],         # the loss takes logits
        }[letter]()

    def train(self):
        self.model.train()

        def step():
            self.optimizer.zero_grad()
            self.loss(self.model(self.x), self.y).backward()
            self.optimizer.step()
        return step, BATCH

    def predict(self, images=BATCH):
        self.model.eval()
        x = self.x[:images]

        def answer():
            with self.torch.inference_mode():
                self.model(x)
        return answer, images

    def one(self):
        return self.predict(1)


class Keras:
    """Keras 3 on TensorFlow, or tf-keras, which is Keras 2."""

    def __init__(self, options):
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        os.environ["KERAS_BACKEND"] = "tensorflow"
        if options.peer == "tf-keras":
            os.environ["TF_USE_LEGACY_KERAS"] = "1"
        import tensorflow
        self.options, self.variant = options, "graph"
        keras = self.keras = tensorflow.keras
        self.name = (f"{'Keras' if options.peer == 'keras' else 'tf-keras'} {metadata.version(options.peer)} "
                     f"TensorFlow {tensorflow.__version__}")
        tensorflow.config.threading.set_intra_op_parallelism_threads(options.threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        outputs = layers(options.net)[-1][1]
        self.x = tensorflow.random.uniform((BATCH, *NETS[options.net][0]))
        self.y = tensorflow.constant([[i % 2] for i in range(BATCH)] if outputs == 1 else
                                     [[float(k == i % outputs) for k in range(outputs)] for i in range(BATCH)])
        self.model = keras.Sequential([keras.Input(NETS[options.net][0])])
        for layer in layers(options.net):
            for part in self.parts(*layer):
                self.model.add(part)
        self.model.compile(optimizer="rmsprop" if outputs == 1 else "adam", metrics=["accuracy"],
                           loss="binary_crossentropy" if outputs == 1 else "categorical_crossentropy")

    def parts(self, letter, size):
        k = self.keras.layers
        return {
            "C": lambda: [k.Conv2D(size, 3, activation="relu")],
            "W": lambda: [k.Conv2D(size, 5, activation="relu")],
            "S": lambda: [k.Conv2D(size, 3, padding="same"), k.BatchNormalization(), k.Activation("relu")],
            "P": lambda: [k.MaxPooling2D(2)],
            "F": lambda: [k.Flatten()],
            "D": lambda: [k.Dropout(0.5)],
            "L": lambda: [k.Dense(size, activation="relu")],
            "O": lambda: [k.Dense(size, activation="sigmoid" if size == 1 else "softmax")],
        }[letter]()

    def train(self):
        return lambda: self.model.train_on_batch(self.x, self.y), BATCH

    def predict(self, images=BATCH):
        x = self.x[:images]
        return lambda: self.model.predict_on_batch(x), images

    def one(self):
        return self.predict(1)

    def open_part(self, part, augmented):
        generator = self.keras.preprocessing.image.ImageDataGenerator(
            rescale=1 / 255, **(dict(rotation_range=40, width_shift_range=0.2, height_shift_range=0.2, shear_range=0.2,
                                     zoom_range=0.2, horizontal_flip=True, fill_mode="nearest") if augmented else {}))
        with open(os.devnull, "w") as nowhere:
            stdout, sys.stdout = sys.stdout, nowhere            # "Found 2000 images .."
            try:
                return generator.flow_from_directory(os.path.join(self.options.data, part), target_size=(150, 150),
                                                     batch_size=BATCH, class_mode="binary")
            finally:
                sys.stdout = stdout

    def pictures(self):
        for augmented in False, True:
            batches = self.open_part("train", augmented)

            def read():
                for _ in range(8):
                    next(batches)
            report("pictures", self, measure(read, 8 * BATCH, self.options.seconds), data=data_name(self.options), cached="no",
                   augmented="yes" if augmented else "no")

    def epoch(self):
        training, validation, took = self.open_part("train", True), self.open_part("validation", False), []

        class Clock(self.keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                took.append(-time.perf_counter())

            def on_epoch_end(self, epoch, logs=None):
                took[-1] += time.perf_counter()
        self.model.fit(training, epochs=self.options.epochs, validation_data=validation, verbose=0, callbacks=[Clock()])
        about = dict(net="catdog", data=data_name(self.options), pictures=f"{training.samples}+{validation.samples}")
        report("epoch", self, timing([1e3 * took[0]]), **about, which="first")
        if took[1:]:
            report("epoch", self, timing([1e3 * t for t in took[1:]]), **about, which="later")

    def cold(self):
        """A program that loads a model and answers for one picture: ANSWER, in a Python of its own."""
        training = self.open_part("train", False)
        with tempfile.TemporaryDirectory() as directory:
            model = os.path.join(directory, "model.h5" if self.options.peer == "tf-keras" else "model.keras")
            self.model.save(model)
            command = [sys.executable, "-c", ANSWER, model, training.filepaths[0]]
            took = measure(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), 1,
                           self.options.seconds)
        del took["cpu_ms"], took["peak_mb"]                     # were those of waiting
        report("cold", self, took, net="catdog")


ANSWER = """
import sys
from tensorflow import keras
model = keras.models.load_model(sys.argv[1])
picture = keras.utils.load_img(sys.argv[2], target_size=(150, 150))
print(model.predict(keras.utils.img_to_array(picture)[None] / 255, verbose=0))
"""


def timing(wall, cpu=()):
    values = dict(ms=f"{min(wall):.4g}", median=f"{statistics.median(wall):.4g}", runs=len(wall),
                  peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    return values | (dict(cpu_ms=f"{min(cpu):.4g}") if cpu else {})


def measure(body, images, seconds):
    """As measure() in measure.c: milliseconds an image, after one run that is not timed."""
    body()
    wall, cpu, begin = [], [], time.perf_counter()
    while len(wall) < LEAST_RUNS or time.perf_counter() - begin < seconds:
        clock, processor = time.perf_counter(), time.process_time()
        body()
        wall.append(1e3 * (time.perf_counter() - clock) / images)
        cpu.append(1e3 * (time.process_time() - processor) / images)
    return timing(wall, cpu)


def machine():
    with open("/proc/cpuinfo") as file:
        about = dict(map(str.strip, line.split(":", 1)) for line in file if ":" in line)
    return f"{about.get('model name')} (family {about.get('cpu family')}, model {about.get('model')})"


def data_name(options):
    return os.path.basename(os.path.normpath(options.data))


def report(figure, peer, values, **details):
    details |= dict(threads=peer.options.threads, peer=f'"{peer.name}"', variant=peer.variant,
                    malloc="tuned" if "MALLOC_MMAP_MAX_" in os.environ else "default", machine=f'"{machine()}"', **values)
    print(figure, *(f"{key}={value}" for key, value in details.items()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", choices=["pytorch", "keras", "tf-keras"], default="pytorch")
    parser.add_argument("--variant", choices=["eager", "channels_last", "compiled"], default="eager")
    parser.add_argument("--net", choices=NETS, default="catdog")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--data")
    parser.add_argument("figures", nargs="+", choices=["train", "predict", "one", "pictures", "epoch", "cold"])
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    peer = PyTorch(options) if options.peer == "pytorch" else Keras(options)
    for figure in options.figures:
        if figure in ("train", "predict", "one"):
            body, images = getattr(peer, figure)()
            report(figure, peer, measure(body, images, options.seconds), net=options.net, batch=images)
        else:
            getattr(peer, figure)()


if __name__ == "__main__":
    main()
