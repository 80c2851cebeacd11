"""A torch.nn.Module trained by Hessian-free: torch differentiates, this package finds the steps."""

from hf_matlab_compat import autodiff_problem, train
from hf_matlab_compat.demo.digits import shuffled_digits

try:
    import torch
    from torch.nn.functional import cross_entropy
except ImportError:
    torch = None


def main(epochs: int = 10):
    """Train a small network with a unit that this package does not have."""
    if torch is None:
        return print("torch is not installed: pip install torch")
    digits, _ = shuffled_digits(train=500, test=0, seed=3)
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(64, 20), torch.nn.Mish(), torch.nn.Linear(20, 10))
    problem = autodiff_problem(
        lambda parameters, X: torch.func.functional_call(module, parameters, (X,)),
        lambda y, labels: cross_entropy(y, labels, reduction="sum"),
        digits.images.T,
        digits.labels,
        error=lambda y, labels: (y.argmax(1) != labels).sum(),
        initial=dict(module.named_parameters()),
        engine="torch",
        cases_axis=0,
    )
    result = train(problem=problem, max_epochs=epochs)
    parameters = problem.parameters(result.theta)
    module.load_state_dict({name: torch.tensor(values) for name, values in parameters.items()})
    wrong = (module(torch.tensor(digits.images.T).float()).argmax(1) != torch.tensor(digits.labels)).sum()
    print(f"{result.history['train_error'][-1]:.1%} misread at the end", f"{wrong} by the module", sep="\n")
    return result


if __name__ == "__main__":
    main()
