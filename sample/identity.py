"""Names, addresses and numbers of people who do not exist.

UPNs carry LA part 999, postcodes area ZZ, URNs begin 9 and ULNs 999, so that none belongs to anybody.
Check letters and digits are right: UPN by DfE common rules 1510 to 1550, ULN by the learner record's.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sample.chance import Ints, Texts

UPN_LETTERS = np.array(list("ABCDEFGHJKLMNPQRTUVWXYZ"), dtype=object)
UPN_AUTHORITY = "999"


def _words(text: str) -> Texts:
    return np.array(text.split(), dtype=object)


GIRLS = _words("""
    Amelia Olivia Isla Ava Mia Ivy Lily Florence Willow Grace Freya Sophie Evie Ruby Phoebe Daisy Poppy Aisha
    Fatima Zara Maryam Khadija Inaya Anaya Priya Diya Simran Jasleen Mei Xin Ngozi Amara Adaeze Temi Zuri
    Makena Shanice Tiana Zofia Julia Maja Hanna Oliwia Elena Ioana Chloé Zoë Niamh Siobhan Caitlin Bethan
    Seren Carys Eilidh Morag Mary-Jane Ella-Rose Nadia Leila Yasmin Noor Samira Hiba Rania Esme Martha Edith
    Orla Matilda Harriet""")
BOYS = _words("""
    Oliver George Noah Arthur Harry Leo Jack Charlie Oscar Jacob Henry Thomas Freddie Alfie Theo William
    Archie Joshua Muhammad Mohammed Yusuf Ibrahim Hamza Zayn Bilal Arjun Rohan Vihaan Gurpreet Harjit Wei Jun
    Chidi Emeka Kwame Kofi Tunde Jamal Tyrese Marlon Jakub Kacper Filip Andrei Matei Luca José René Cormac
    Declan Sean Rhys Dylan Ioan Callum Hamish Finlay Jean-Luc Billy-Joe Karim Tariq Omar Adam Zain Idris
    Reuben Elijah Caleb Ezra Toby Jude""")
SURNAMES = _words("""
    Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White
    Roberts Green Hall Wood Jackson Clarke Patel Khan Hussain Ahmed Ali Begum Akhtar Malik Iqbal Shah Singh
    Kaur Gill Sharma Chowdhury Miah Uddin Rahman Chen Wong Li Zhang Nguyen Okafor Adeyemi Mensah Boateng Osei
    Owusu Okonkwo Balogun Campbell Grant Francis Clarke-Reid Bailey Kowalski Nowak Wojcik Popescu Ionescu
    Petrov Silva Santos Murphy Kelly O'Brien O'Connor O'Neill McDonald MacLeod Stewart Fraser Lewis Griffiths
    Pritchard Llewellyn Hughes Cooper Ward Turner Parker Edwards Collins Bennett Shaw Hargreaves Ashworth
    Pilkington Entwistle Crompton Fairclough Haworth Whittaker Barlow Sykes Dewhurst Lomax Cartwright
    Smith-Jones Begum-Ali Müller Núñez""")
# Names that Windows-1252 cannot hold: only the hub, which writes UTF-8, may have them.
UNICODE_SURNAMES = _words("Wiśniewska Świątek Nguyễn Ştefănescu Dvořák Kovačević Łukasik Đặng")
POSTCODE_LETTERS = np.array(list("ABDEFGHJLNPQRSTUWXYZ"), dtype=object)


def forenames(rng: np.random.Generator, sexes: Texts) -> Texts:
    """A forename for each person, by sex."""
    girls = GIRLS[rng.integers(0, len(GIRLS), len(sexes))]
    boys = BOYS[rng.integers(0, len(BOYS), len(sexes))]
    return np.where(sexes == "F", girls, boys)


def surnames(rng: np.random.Generator, size: int) -> Texts:
    """Surnames, the first ones of the list more often."""
    weights = 1 / (np.arange(len(SURNAMES)) + 20)
    return rng.choice(SURNAMES, size, p=weights / weights.sum())


def postcodes(rng: np.random.Generator, size: int) -> Texts:
    """Postcodes of the area ZZ: 30 districts, 9 sectors, 400 units."""
    units = POSTCODE_LETTERS[rng.integers(0, len(POSTCODE_LETTERS), (2, size))]
    district, sector = rng.integers(1, 31, size), rng.integers(1, 10, size)
    written: Texts = text(district, "ZZ") + text(sector, " ") + units[0] + units[1]
    return written


def text(numbers: NDArray[Any], prefix: str = "", width: int = 0) -> Texts:
    """Numbers as text, each different one made once."""
    values, where = np.unique(numbers, return_inverse=True)
    return np.array([f"{prefix}{value:0{width}d}" for value in values.tolist()], dtype=object)[where]


def numbers(rng: np.random.Generator, start: int, size: int, prefix: str = "") -> Texts:
    """Different reference numbers in no particular order, with gaps, as systems give them out."""
    return text(start + rng.permutation(size * 2)[:size], prefix)


def upns(rng: np.random.Generator, years: Ints) -> Texts:
    """UPNs issued in these years: no two the same."""
    schools = rng.integers(2000, 7000, len(years))
    # A school's serial numbers run from 000 to 999 each year; what is over goes to school numbers that nobody has.
    serial = pd.DataFrame({"school": schools, "year": years}).groupby(["school", "year"]).cumcount().to_numpy()
    schools = np.where(serial >= 1000, 9000 + serial // 1000, schools)
    body: Texts = text(schools, UPN_AUTHORITY, 4) + text(years % 100, "", 2) + text(serial % 1000, "", 3)
    issued: Texts = upn_letters(body) + body
    return issued


def upn_letters(bodies: Texts) -> Texts:
    """The check letters: the twelve digits times their positions (2 to 13), summed, modulo 23."""
    digits: Ints = bodies.astype("U12").view("U1").reshape(len(bodies), 12).astype(np.int64)
    letters: Texts = UPN_LETTERS[(digits * np.arange(2, 14)).sum(axis=1) % 23]
    return letters


def ulns(rng: np.random.Generator, size: int) -> Texts:
    """Different ULNs: the last digit is 10 less the first nine times 10 to 2, summed, modulo 11, which is never 0."""
    free = 999_000_000 + rng.permutation(1_000_000)[: int(size * 1.2) + 50]
    digits = free[:, None] // 10 ** np.arange(8, -1, -1) % 10
    left = (digits * np.arange(10, 1, -1)).sum(axis=1) % 11
    issued = np.flatnonzero(left)[:size]
    return text(free[issued] * 10 + 10 - left[issued])
