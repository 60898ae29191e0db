package geo

import "math"

// The transverse Mercator projection of UTM zone 32 on the ellipsoid GRS 80, by Krüger's series to the sixth order of the
// third flattening: C. F. F. Karney, "Transverse Mercator with an accuracy of a few nanometers", J. Geodesy 85 (2011),
// 475-485, equations 7 to 36, named here as there. Within 20 degrees of the central meridian the series is good to far
// less than a millimetre.
const (
	semiMajor       = 6378137.0         // of GRS 80, in metres
	flattening      = 1 / 298.257222101 // of GRS 80
	scale           = 0.9996            // on the central meridian
	centralMeridian = 9.0               // of zone 32, in degrees
	falseEasting    = 500000.0
	thirdFlattening = flattening / (2 - flattening) // n
)

var (
	eccentricity = math.Sqrt(flattening * (2 - flattening))

	// rectifying is the radius of the circle as long as a meridian (14), with the scale.
	rectifying = scale * semiMajor / (1 + thirdFlattening) *
		(1 + math.Pow(thirdFlattening, 2)/4 + math.Pow(thirdFlattening, 4)/64 + math.Pow(thirdFlattening, 6)/256)

	// alpha (35) leads to the plane, beta (36) back.
	alpha = series(
		[]float64{0, 1. / 2, -2. / 3, 5. / 16, 41. / 180, -127. / 288, 7891. / 37800},
		[]float64{0, 0, 13. / 48, -3. / 5, 557. / 1440, 281. / 630, -1983433. / 1935360},
		[]float64{0, 0, 0, 61. / 240, -103. / 140, 15061. / 26880, 167603. / 181440},
		[]float64{0, 0, 0, 0, 49561. / 161280, -179. / 168, 6601661. / 7257600},
		[]float64{0, 0, 0, 0, 0, 34729. / 80640, -3418889. / 1995840},
		[]float64{0, 0, 0, 0, 0, 0, 212378941. / 319334400},
	)
	beta = series(
		[]float64{0, 1. / 2, -2. / 3, 37. / 96, -1. / 360, -81. / 512, 96199. / 604800},
		[]float64{0, 0, 1. / 48, 1. / 15, -437. / 1440, 46. / 105, -1118711. / 3870720},
		[]float64{0, 0, 0, 17. / 480, -37. / 840, -209. / 4480, 5569. / 90720},
		[]float64{0, 0, 0, 0, 4397. / 161280, -11. / 504, -830251. / 7257600},
		[]float64{0, 0, 0, 0, 0, 4583. / 161280, -108847. / 3991680},
		[]float64{0, 0, 0, 0, 0, 0, 20648693. / 638668800},
	)
)

// series gives the value of each polynomial in n.
func series(polynomials ...[]float64) [6]float64 {
	var out [6]float64
	for i, polynomial := range polynomials {
		for power, c := range polynomial {
			out[i] += c * math.Pow(thirdFlattening, float64(power))
		}
	}
	return out
}

// How far from zone 32 anything is converted: Denmark reaches from 3 (its sea) to 16 degrees east.
const (
	farthestEast  = 20.0 // degrees from the central meridian
	farthestNorth = 84.0
)

// toUTM32 converts longitude and latitude to easting and northing; the height stays.
func toUTM32(p Point) (Point, error) {
	if !near(p) {
		return Point{}, invalid(whyOutside)
	}
	sinLambda, cosLambda := math.Sincos((p.X - centralMeridian) * math.Pi / 180)
	tau := conformal(math.Tan(p.Y * math.Pi / 180))
	xi := math.Atan2(tau, cosLambda)
	eta := math.Asinh(sinLambda / math.Hypot(tau, cosLambda))
	x, y := eta, xi
	for j, a := range alpha {
		k := 2 * float64(j+1)
		y += a * math.Sin(k*xi) * math.Cosh(k*eta)
		x += a * math.Cos(k*xi) * math.Sinh(k*eta)
	}
	return Point{falseEasting + rectifying*x, rectifying * y, p.Z}, nil
}

// fromUTM32 converts easting and northing to longitude and latitude; the height stays.
func fromUTM32(p Point) (Point, error) {
	xi, eta := p.Y/rectifying, (p.X-falseEasting)/rectifying
	if !(math.Abs(eta) < 0.5 && xi >= 0 && xi < math.Pi/2) {
		return Point{}, invalid(whyOutside)
	}
	y, x := xi, eta
	for j, b := range beta {
		k := 2 * float64(j+1)
		y -= b * math.Sin(k*xi) * math.Cosh(k*eta)
		x -= b * math.Cos(k*xi) * math.Sinh(k*eta)
	}
	sinh, cos := math.Sinh(x), math.Cos(y)
	tau := geographic(math.Sin(y) / math.Hypot(sinh, cos))
	out := Point{centralMeridian + math.Atan2(sinh, cos)*180/math.Pi, math.Atan(tau) * 180 / math.Pi, p.Z}
	if !near(out) {
		return Point{}, invalid(whyOutside)
	}
	return out, nil
}

func near(p Point) bool {
	return math.Abs(p.X-centralMeridian) <= farthestEast && p.Y >= 0 && p.Y <= farthestNorth
}

// conformal is (7) to (9): of the tangent of a latitude, that of the conformal latitude.
func conformal(tau float64) float64 {
	sigma := math.Sinh(eccentricity * math.Atanh(eccentricity*tau/math.Hypot(1, tau)))
	return tau*math.Hypot(1, sigma) - sigma*math.Hypot(1, tau)
}

// geographic is conformal turned round, by Newton's method (19) to (21); two steps reach the last digit, and three are taken.
func geographic(conformalTau float64) float64 {
	tau := conformalTau
	for range 3 {
		t := conformal(tau)
		e2 := eccentricity * eccentricity
		tau += (conformalTau - t) / math.Hypot(1, t) * (1 + (1-e2)*tau*tau) / ((1 - e2) * math.Hypot(1, tau))
	}
	return tau
}

const whyOutside = "the geometry lies too far from UTM zone 32 to be converted"
