//! Means and exponents.

/// The geometric mean of positive numbers, the mean for ratios: that of `a/b` is one divided by that of `b/a`. `None` of nothing.
pub fn geometric_mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sum = 0.0;
    let mut count = 0;
    for value in values {
        debug_assert!(value > 0.0, "there is no geometric mean with {value}");
        sum += value.ln();
        count += 1;
    }
    (count > 0).then(|| (sum / f64::from(count)).exp())
}

/// The exponent `k` for which `c·xᵏ` comes closest to the points `(x, y)`: the slope of the line of least squares through their
/// logarithms. 1 is linear, 2 quadratic growth. `None` with fewer than two different `x`.
pub fn growth_exponent(points: &[(f64, f64)]) -> Option<f64> {
    let logarithms = points.iter().map(|&(x, y)| (x.ln(), y.ln()));
    let count = points.len() as f64;
    let (sum_x, sum_y) = logarithms
        .clone()
        .fold((0.0, 0.0), |sums, (x, y)| (sums.0 + x, sums.1 + y));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (x, y) in logarithms {
        covariance += (x - mean_x) * (y - mean_y);
        variance += (x - mean_x) * (x - mean_x);
    }
    (variance > 0.0).then(|| covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::{geometric_mean, growth_exponent};

    fn assert_near(actual: Option<f64>, expected: f64) {
        let actual = actual.unwrap();
        assert!((actual - expected).abs() < 1e-9, "{actual} != {expected}");
    }

    #[test]
    fn geometric_means() {
        assert_near(geometric_mean([2.0, 8.0]), 4.0);
        assert_near(geometric_mean([0.5, 2.0]), 1.0);
        assert_eq!(geometric_mean([]), None);
    }

    #[test]
    fn exponents() {
        let points = |k: f64| [1.0, 10.0, 300.0].map(|x: f64| (x, 5.0 * x.powf(k)));
        assert_near(growth_exponent(&points(1.0)), 1.0);
        assert_near(growth_exponent(&points(2.0)), 2.0);
        assert_near(growth_exponent(&points(0.0)), 0.0);
        assert_eq!(growth_exponent(&[(3.0, 1.0), (3.0, 2.0)]), None);
        assert_eq!(growth_exponent(&[]), None);
    }
}
