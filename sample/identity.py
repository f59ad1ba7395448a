"""Names, addresses and numbers of people who do not exist.

UPNs carry LA part 999 and postcodes area ZZ, neither of which anybody has; ULNs begin 999.
Check letters and digits are right (domain: DfE UPN rule 1510, ILR ULN check).
"""

import numpy as np
import pandas as pd

from sample.chance import Ints, Texts

UPN_LETTERS = np.array(list("ABCDEFGHJKLMNPQRTUVWXYZ"), dtype=object)
UPN_AUTHORITY = "999"

GIRLS = [
    "Amelia",
    "Olivia",
    "Isla",
    "Ava",
    "Mia",
    "Ivy",
    "Lily",
    "Florence",
    "Willow",
    "Grace",
    "Freya",
    "Sophie",
    "Evie",
    "Ruby",
    "Phoebe",
    "Daisy",
    "Poppy",
    "Aisha",
    "Fatima",
    "Zara",
    "Maryam",
    "Khadija",
    "Inaya",
    "Anaya",
    "Priya",
    "Diya",
    "Simran",
    "Jasleen",
    "Mei",
    "Xin",
    "Ngozi",
    "Amara",
    "Adaeze",
    "Temi",
    "Zuri",
    "Makena",
    "Shanice",
    "Tiana",
    "Zofia",
    "Julia",
    "Maja",
    "Hanna",
    "Oliwia",
    "Elena",
    "Ioana",
    "Chloé",
    "Zoë",
    "Niamh",
    "Siobhan",
    "Caitlin",
    "Bethan",
    "Seren",
    "Carys",
    "Eilidh",
    "Morag",
    "Mary-Jane",
    "Ella-Rose",
    "Nadia",
    "Leila",
    "Yasmin",
    "Noor",
    "Samira",
    "Hiba",
    "Rania",
    "Esme",
    "Martha",
    "Edith",
    "Orla",
    "Matilda",
    "Harriet",
]
BOYS = [
    "Oliver",
    "George",
    "Noah",
    "Arthur",
    "Harry",
    "Leo",
    "Jack",
    "Charlie",
    "Oscar",
    "Jacob",
    "Henry",
    "Thomas",
    "Freddie",
    "Alfie",
    "Theo",
    "William",
    "Archie",
    "Joshua",
    "Muhammad",
    "Mohammed",
    "Yusuf",
    "Ibrahim",
    "Hamza",
    "Zayn",
    "Bilal",
    "Arjun",
    "Rohan",
    "Vihaan",
    "Gurpreet",
    "Harjit",
    "Wei",
    "Jun",
    "Chidi",
    "Emeka",
    "Kwame",
    "Kofi",
    "Tunde",
    "Jamal",
    "Tyrese",
    "Marlon",
    "Jakub",
    "Kacper",
    "Filip",
    "Andrei",
    "Matei",
    "Luca",
    "José",
    "René",
    "Cormac",
    "Declan",
    "Sean",
    "Rhys",
    "Dylan",
    "Ioan",
    "Callum",
    "Hamish",
    "Finlay",
    "Jean-Luc",
    "Billy-Joe",
    "Karim",
    "Tariq",
    "Omar",
    "Adam",
    "Zain",
    "Idris",
    "Reuben",
    "Elijah",
    "Caleb",
    "Ezra",
    "Toby",
    "Jude",
]
SURNAMES = [
    "Smith",
    "Jones",
    "Taylor",
    "Brown",
    "Williams",
    "Wilson",
    "Johnson",
    "Davies",
    "Robinson",
    "Wright",
    "Thompson",
    "Evans",
    "Walker",
    "White",
    "Roberts",
    "Green",
    "Hall",
    "Wood",
    "Jackson",
    "Clarke",
    "Patel",
    "Khan",
    "Hussain",
    "Ahmed",
    "Ali",
    "Begum",
    "Akhtar",
    "Malik",
    "Iqbal",
    "Shah",
    "Singh",
    "Kaur",
    "Gill",
    "Sharma",
    "Chowdhury",
    "Miah",
    "Uddin",
    "Rahman",
    "Chen",
    "Wong",
    "Li",
    "Zhang",
    "Nguyen",
    "Okafor",
    "Adeyemi",
    "Mensah",
    "Boateng",
    "Osei",
    "Owusu",
    "Okonkwo",
    "Balogun",
    "Campbell",
    "Grant",
    "Francis",
    "Clarke-Reid",
    "Bailey",
    "Kowalski",
    "Nowak",
    "Wiśniewska",
    "Wojcik",
    "Popescu",
    "Ionescu",
    "Petrov",
    "Silva",
    "Santos",
    "Murphy",
    "Kelly",
    "O'Brien",
    "O'Connor",
    "O'Neill",
    "McDonald",
    "MacLeod",
    "Stewart",
    "Fraser",
    "Lewis",
    "Griffiths",
    "Pritchard",
    "Llewellyn",
    "Hughes",
    "Cooper",
    "Ward",
    "Turner",
    "Parker",
    "Edwards",
    "Collins",
    "Bennett",
    "Shaw",
    "Hargreaves",
    "Ashworth",
    "Pilkington",
    "Entwistle",
    "Crompton",
    "Fairclough",
    "Haworth",
    "Whittaker",
    "Barlow",
    "Sykes",
    "Dewhurst",
    "Lomax",
    "Cartwright",
    "Smith-Jones",
    "Begum-Ali",
    "Müller",
    "Núñez",
]
SURNAMES[SURNAMES.index("Wiśniewska")] = "Wisniewska"  # Capita One exports are cp1252


def forenames(rng: np.random.Generator, sexes: Texts) -> Texts:
    """A forename for each person, by sex (M, F, anything else either)."""
    girls = rng.integers(0, len(GIRLS), len(sexes))
    boys = rng.integers(0, len(BOYS), len(sexes))
    is_girl = (sexes == "F") | ((sexes != "M") & (rng.random(len(sexes)) < 0.5))
    return np.where(is_girl, np.array(GIRLS, dtype=object)[girls], np.array(BOYS, dtype=object)[boys])


def surnames(rng: np.random.Generator, size: int) -> Texts:
    """Surnames, the commoner ones oftener."""
    weights = 1 / (np.arange(len(SURNAMES)) + 20)
    return np.array(SURNAMES, dtype=object)[rng.choice(len(SURNAMES), size, p=weights / weights.sum())]


def postcodes(rng: np.random.Generator, size: int) -> Texts:
    """Postcodes of the area ZZ: 30 districts, 9 sectors, 400 units."""
    letters = np.array(list("ABDEFGHJLNPQRSTUWXYZ"), dtype=object)
    district, sector = rng.integers(1, 31, size), rng.integers(1, 10, size)
    unit = letters[rng.integers(0, 20, size)] + letters[rng.integers(0, 20, size)]
    return text(district, "ZZ") + text(sector, " ") + unit


def text(numbers: Ints, prefix: str = "", width: int = 0) -> Texts:
    """Numbers as text, each value made once."""
    values, where = np.unique(numbers, return_inverse=True)
    return np.array([f"{prefix}{value:0{width}d}" for value in values], dtype=object)[where]


def upns(establishments: Ints, years: Ints) -> Texts:
    """UPNs issued by these establishments (four digits) in these years: no two the same."""
    issued = pd.DataFrame({"establishment": establishments, "year": years % 100})
    serial = issued.groupby(["establishment", "year"]).cumcount().to_numpy()
    estab = establishments + 0
    over = serial >= 1000  # a school issues at most 1,000 a year: the rest come from a number nobody has
    estab = np.where(over, 9000 + serial // 1000, estab)
    body = text(estab, UPN_AUTHORITY, 4) + text(years % 100, "", 2) + text(serial % 1000, "", 3)
    return upn_letter(body) + body


def upn_letter(body: Texts) -> Texts:
    """The check letter: the weighted sum of the twelve digits, by positions 2 to 13, modulo 23."""
    digits = np.array(body.tolist(), dtype="U12").view("U1").reshape(len(body), 12).astype(np.int64)
    return UPN_LETTERS[(digits * np.arange(2, 14)).sum(axis=1) % 23]


def ulns(rng: np.random.Generator, size: int) -> Texts:
    """Different ULNs with the right check digit: 10 less the weighted sum (10 to 2) modulo 11, which is never 0."""
    free = 999_000_000 + rng.permutation(1_000_000)[: int(size * 1.2) + 50]
    digits = free[:, None] // 10 ** np.arange(8, -1, -1) % 10
    left = (digits * np.arange(10, 1, -1)).sum(axis=1) % 11
    kept = np.flatnonzero(left)[:size]
    return text(free[kept] * 10 + 10 - left[kept])
