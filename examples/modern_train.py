"""The modern call: field terms, and everything about the run in one result."""

from hf_matlab_compat import train
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.result import Result


def main(epochs: int = 20) -> Result:
    """Train a small autoencoder in two calls."""
    training, held_out = shuffled_digits(train=1440, test=357, seed=3)
    task = {
        "inputs": training.images,
        "targets": training.images,
        "test_inputs": held_out.images,
        "test_targets": held_out.images,
        "hidden_sizes": [40, 6, 40],
        "unit_types": ["tanh", "linear", "tanh", "logistic"],
        "num_chunks": 4,
        "seed": 0,
    }
    first = train(**task, max_epochs=epochs // 2)
    print(f"{first.outcome.value}: {first.state.epoch} so far, lambda is {first.state.lam:.4g}")

    result = train(**task, max_epochs=epochs, resume_from=first.state)  # in memory, no files
    history = result.history
    for k in range(0, len(history["epoch"]), 3):
        print(
            f"epoch {history['epoch'][k]:3d}: {history['cg_steps'][k]:3d} CG steps, rho {history['rho'][k]:6.3f}, "
            f"error {history['train_error'][k]:.4f}, held out {history['test_error'][k]:.4f}"
        )

    for i, (W, b) in enumerate(zip(result.weights, result.biases, strict=True), 1):
        print(f"layer {i}: W {W.shape}, b {b.shape}")
    codes = result.weights[0] @ held_out.images[:, :1]
    print(f"inputs of the first layer's {codes.size} units for one digit: {codes.min():.2f} to {codes.max():.2f}")
    print(f"all {result.state.epoch} epochs took {result.records.seconds.sum():.2f} s")
    return result


if __name__ == "__main__":
    main()
