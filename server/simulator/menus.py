"""What kitchens of the demo city cook: a menu by cuisine, as maps name it.  Pure; prices in euro cents."""

from typing import NamedTuple


class Dish(NamedTuple):
    """One line of a menu."""

    name: str
    price_minor: int


_MENUS: dict[str, tuple[Dish, ...]] = {
    "burger": (Dish("Cheeseburger", 1290), Dish("Halloumi burger", 1350), Dish("Sweet potato fries", 550)),
    "pizza": (Dish("Margherita", 1190), Dish("Quattro stagioni", 1450), Dish("Tiramisù", 650)),
    "sushi": (Dish("Salmon nigiri, 8 pieces", 1490), Dish("Maki box", 1250), Dish("Miso soup", 390)),
    "asian": (Dish("Pad thai", 1390), Dish("Spring rolls", 690), Dish("Green curry", 1450)),
    "chinese": (Dish("麻婆豆腐 Mapo tofu", 1290), Dish("饺子 Dumplings", 990), Dish("炒饭 Fried rice", 1090)),
    "coffee_shop": (Dish("Filter coffee", 320), Dish("Cinnamon bun", 420), Dish("Rye sandwich", 690)),
    "kebab": (Dish("Kebab with rice", 1190), Dish("Falafel plate", 1090), Dish("Iskender", 1290)),
    "indian": (Dish("Palak paneer", 1350), Dish("Butter chicken", 1490), Dish("Garlic naan", 390)),
    "mexican": (Dish("Burrito", 1290), Dish("Tacos, 3 pieces", 1190), Dish("Nachos", 790)),
    "salad": (Dish("Caesar salad", 1190), Dish("Poke bowl", 1390), Dish("Smoothie", 590)),
    "": (Dish("Salmon soup", 1390), Dish("Lunch of the day", 1270), Dish("Rye bread and butter", 350)),
}
_ALIKE = {
    **dict.fromkeys(("italian",), "pizza"),
    **dict.fromkeys(("japanese",), "sushi"),
    **dict.fromkeys(("noodle", "thai", "vietnamese"), "asian"),
    **dict.fromkeys(("nepalese",), "indian"),
    **dict.fromkeys(("tex-mex",), "mexican"),
    **dict.fromkeys(("american", "grill"), "burger"),
    **dict.fromkeys(("sandwich", "bagel"), "coffee_shop"),
    **dict.fromkeys(("juice",), "salad"),
}


def menu_for(cuisine: str) -> tuple[Dish, ...]:
    """The menu of a kitchen whose cuisine a map writes so ("noodle;japanese": the first counts)."""
    main = cuisine.split(";", maxsplit=1)[0].strip().lower()
    return _MENUS.get(_ALIKE.get(main, main), _MENUS[""])
