"""Whether what is reported is true: values, probabilities, targets."""
