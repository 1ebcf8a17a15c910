"""The words of the built-in data set: titles, descriptions of artworks, and what users say of themselves.

Style and palette are never named in a column of their own. They can be read from these sentences, which
have several ways to say the same thing; users speak in other words than the catalogue does.
"""

import numpy as np

STYLE_WORDS: dict[str, tuple[str, ...]] = {
    "geometric": (
        "interlocking triangles and squares",
        "hard-edged polygons stacked with a ruler's precision",
        "an architecture of circles, wedges and hexagons",
        "crisp angular shapes that fit like tiles",
        "a constructivist play of planes and corners",
    ),
    "stripes": (
        "parallel bands of uneven width",
        "a rhythm of bars and thin lines",
        "ribbons of flat colour laid side by side",
        "stripes that run like the weave of a deckchair",
        "a barcode of broad and narrow lines",
    ),
    "dots": (
        "hundreds of round spots in a lattice",
        "a halftone field of swelling circles",
        "polka dots that grow and shrink",
        "a pointillist grid of small discs",
        "a constellation of beads, row upon row",
    ),
    "organic": (
        "soft overlapping cells",
        "rounded, pebble-like forms that drift together",
        "curving cut-outs that recall petals and algae",
        "amoeba shapes melting into each other",
        "fluid, biomorphic silhouettes",
    ),
    "landscape": (
        "a range of hills below an open sky",
        "rolling ridges that fade towards the horizon",
        "mountains folded behind mountains",
        "a wide valley and what hangs above it",
        "distant slopes seen in the first light",
    ),
    "gestural": (
        "sweeping marks of a dry brush",
        "raw, energetic strokes dragged across the sheet",
        "loose calligraphic gestures, the bristles still visible",
        "bold smears of paint made in one breath",
        "an expressive tangle of brushwork",
    ),
}

PALETTE_WORDS: dict[str, tuple[str, ...]] = {
    "warm": (
        "glowing reds and burnt orange",
        "the colours of embers and saffron",
        "scarlet, amber and brick",
        "fiery, sunlit tones",
    ),
    "cool": (
        "sea blues and pale turquoise",
        "icy shades from navy to aqua",
        "the blues of deep water",
        "a calm scale of cobalt and teal",
    ),
    "earth": (
        "ochre, umber and sand",
        "clay browns and dry straw",
        "the muted tones of soil and leather",
        "sienna and weathered wood",
    ),
    "neon": (
        "electric pink, cyan and lime on black",
        "fluorescent colours that hum in the dark",
        "the glare of a night arcade",
        "acid brights against a black ground",
    ),
    "mono": (
        "black, white and every grey between",
        "ink and ash, without colour",
        "a strict greyscale",
        "charcoal on ivory",
    ),
    "pastel": (
        "powder pink, mint and lilac",
        "pale, milky sugared-almond tints",
        "the faint colours of spring blossom",
        "soft rose and butter yellow",
    ),
    "forest": (
        "moss, fern and bottle green",
        "leafy greens from lime to pine",
        "the green shade under old trees",
        "verdant olive and emerald",
    ),
    "twilight": (
        "violet, plum and dusky rose",
        "the purples that follow a sunset",
        "indigo deepening into magenta",
        "mauve light on a dark evening",
    ),
}

COMPOSITION_WORDS: dict[str, tuple[str, ...]] = {
    "centred": ("gathered at the heart of the sheet", "balanced around the middle", "held in a still centre"),
    "diagonal": ("rising from corner to corner", "tilted along a steep slant", "sliding across the diagonal"),
    "scattered": ("strewn over the whole surface", "scattered edge to edge", "spread without a centre"),
}

_MOODS: dict[str, str] = {
    "warm": "A spirited, generous piece.",
    "cool": "A quiet piece that slows the eye.",
    "earth": "A grounded and patient work.",
    "neon": "Loud, restless and wide awake.",
    "mono": "Austere at first, then surprisingly tender.",
    "pastel": "Gentle, almost weightless.",
    "forest": "It breathes like a walk in the woods.",
    "twilight": "Dreamy, with a touch of melancholy.",
}

_DESCRIPTIONS: tuple[str, ...] = (
    "{Style} in {palette}, {composition}.",
    "{Palette}: {style}, {composition}. {mood}",
    "{Style}, {composition}. The artist keeps to {palette}.",
    "{mood} {Style} in {palette}.",
    "A meeting of {style} and {palette}. Everything is {composition}.",
)

STYLE_TASTES: dict[str, tuple[str, ...]] = {
    "geometric": ("clean geometric prints", "sharp shapes and straight edges", "Bauhaus-like abstraction"),
    "stripes": ("anything striped", "bold lines and bands", "linear, rhythmic patterns"),
    "dots": ("dotted patterns", "spots and circles, the more the better", "Kusama-like repetition"),
    "organic": ("flowing natural forms", "soft, rounded abstraction", "curvy shapes, nothing angular"),
    "landscape": ("landscapes", "views with hills and sky", "scenery to get lost in"),
    "gestural": ("expressive brushwork", "action painting", "paint I can feel the hand in"),
}

PALETTE_TASTES: dict[str, tuple[str, ...]] = {
    "warm": ("warm reds and oranges", "hot, sunny colours"),
    "cool": ("cool blues", "marine colours"),
    "earth": ("earthy browns", "natural, muted colours"),
    "neon": ("neon brights", "loud fluorescent colour"),
    "mono": ("black and white", "monochrome"),
    "pastel": ("pastels", "pale, delicate colours"),
    "forest": ("greens of every kind", "the colours of a forest"),
    "twilight": ("purples and violets", "dusky evening tones"),
}

_PROFILES: tuple[str, ...] = (
    "I love {style} in {palette}.",
    "Looking for {style}; {palette} would suit my flat.",
    "Drawn to {palette}, and above all to {style}.",
    "Mostly {palette}. {Style} when I find it.",
)
_STYLE_PROFILES: tuple[str, ...] = ("Here for {style}.", "I collect {style}.", "My wall needs {style}.")
_PALETTE_PROFILES: tuple[str, ...] = (
    "I only hang {palette}.",
    "Show me {palette}.",
    "A weakness for {palette}.",
)
_ASIDES: tuple[str, ...] = ("", "", "", " Preferably {medium}.", " Still learning.", " Small formats only.")

SUBJECT_NOUNS: dict[str, tuple[str, ...]] = {
    "sea": ("Tide", "Harbour", "Shoal", "Estuary", "Lighthouse", "Swell"),
    "city": ("Arcade", "Crossing", "Tramline", "Rooftops", "Facade", "Underpass"),
    "music": ("Fugue", "Rondo", "Refrain", "Nocturne", "Cadence", "Overture"),
    "garden": ("Orchard", "Seedling", "Trellis", "Meadow", "Pollen", "Hedgerow"),
    "weather": ("Squall", "Thaw", "Mist", "Monsoon", "Frost", "Cloudburst"),
    "night": ("Lantern", "Eclipse", "Orbit", "Vigil", "Moonrise", "Insomnia"),
    "memory": ("Letter", "Attic", "Echo", "Heirloom", "Postcard", "Reunion"),
}
_TITLE_ADJECTIVES: tuple[str, ...] = (
    *("Quiet", "Second", "Restless", "Borrowed", "Distant", "Unfinished", "Northern", "Hidden"),
    *("Slow", "Paper", "Imaginary", "Wandering", "Patient", "Broken", "Early", "Last"),
)


def _pick(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[rng.integers(len(options))]


def _fill(template: str, **words: str) -> str:
    """Fills `{name}` with a phrase and `{Name}` with the same phrase as the start of a sentence."""
    capitalised = {key.capitalize(): word[:1].upper() + word[1:] for key, word in words.items()}
    return template.format(**words, **capitalised)


def compose_title(subject: str, taken: set[str], rng: np.random.Generator) -> str:
    """Invents a title for `subject` that is not yet in `taken`, and adds it there."""
    free = [f"{a} {n}" for a in _TITLE_ADJECTIVES for n in SUBJECT_NOUNS[subject] if f"{a} {n}" not in taken]
    title = _pick(tuple(free), rng)
    taken.add(title)
    return title


def describe_artwork(style: str, palette: str, composition: str, rng: np.random.Generator) -> str:
    """Describes an artwork in one or two sentences that tell style and palette, often also composition."""
    return _fill(
        _pick(_DESCRIPTIONS, rng),
        style=_pick(STYLE_WORDS[style], rng),
        palette=_pick(PALETTE_WORDS[palette], rng),
        composition=_pick(COMPOSITION_WORDS[composition], rng),
        mood=_MOODS[palette],
    )


def describe_taste(style: str, palette: str, medium: str, rng: np.random.Generator) -> str:
    """Lets a user say what they like, leaving out the style or the palette about every third time."""
    templates = (_PROFILES, _STYLE_PROFILES, _PALETTE_PROFILES)[rng.choice(3, p=[0.64, 0.18, 0.18])]
    return _fill(
        _pick(templates, rng) + _pick(_ASIDES, rng),
        style=_pick(STYLE_TASTES[style], rng),
        palette=_pick(PALETTE_TASTES[palette], rng),
        medium=medium,
    )
