"""What the invented news is made of. Everything here is made up; a likeness to a real company is an accident."""

ONSETS = (
    "Al Ar Bel Bor Bran Cal Cor Dan Dor El Em Fal Fen Gal Gar Hal Har Hel Ing Jor Kal Kes Kor Lan Lor Lun "
    "Mar Mel Mir Mon Nel Nor Ol Or Pal Per Quan Ral Ren Ros Sal Sel Sil Sor Tal Tar Tel Tor Ul Val Ven "
    "Ver Vol Wes Win Yar Zal Zen"
).split()
MIDDLES = "a e i o u an ar el en er il in is or um".split()
ENDS = (
    "bex bury by cast cor dale dane dax den dor field ford gard gate grove ham hurst ic idian ium land "
    "lane lex ley line lis low mar mere mont mora nex nor nova ova pex phar quist ra ria rix ron ros sen "
    "shaw son stad stead ta tec ton tora tra tris vale var ven via vik vista ward wick worth xis yx zen"
).split()
TRADES = {
    "Energy": ("grid batteries", "offshore wind", "heat pumps", "gas storage", "solar roofs", "power cables"),
    "Textiles": (
        "recycled cotton",
        "work clothing",
        "technical fabrics",
        "spinning mills",
        "upholstery yarn",
    ),
    "Freight": (
        "cold-chain trucking",
        "container yards",
        "parcel sorting",
        "rail wagons",
        "customs clearing",
    ),
    "Robotics": (
        "warehouse robots",
        "welding arms",
        "crop pickers",
        "inspection drones",
        "surgical robots",
    ),
    "Foods": ("frozen vegetables", "oat drinks", "school meals", "fish farming", "bakery chains", "pet food"),
    "Bank": ("mortgage lending", "small-business loans", "card payments", "custody services", "savings apps"),
    "Insurance": ("flood cover", "motor claims", "cyber policies", "life annuities", "crop insurance"),
    "Pharma": ("asthma inhalers", "generic antibiotics", "gene therapy", "vaccine filling", "eye drops"),
    "Software": (
        "payroll software",
        "hospital scheduling",
        "tax filing",
        "fraud detection",
        "fleet tracking",
    ),
    "Chemicals": (
        "paint pigments",
        "fertiliser plants",
        "battery solvents",
        "food additives",
        "water treatment",
    ),
    "Motors": ("electric vans", "brake systems", "truck axles", "charging cables", "used-car auctions"),
    "Telecom": ("fibre networks", "mobile masts", "satellite backhaul", "roaming fees", "data centres"),
    "Retail": ("discount grocers", "garden centres", "online pharmacies", "furniture stores", "toy shops"),
    "Materials": ("low-carbon cement", "copper foil", "window glass", "steel rebar", "timber panels"),
    "Media": ("regional newspapers", "podcast studios", "sports rights", "film archives", "ad exchanges"),
    "Logistics": ("last-mile delivery", "bonded warehouses", "port cranes", "returns handling", "air cargo"),
}
GIVEN = (
    "Ada Amir Anna Bao Bela Carla Chidi Dana Elif Emil Farah Felix Greta Hana Hugo Ines Ivan Jana Jonas "
    "Kofi Lena Leo Lucia Mads Maria Mei Nadia Nils Olga Omar Paula Petra Rafael Rosa Sami Sofia Tariq "
    "Tomas Uma Vera Viktor Wanda Yusuf"
).split()
FAMILY = (
    "Adeyemi Ahlberg Almeida Bakker Becker Bianchi Boateng Castro Chen Dahl Demir Duarte Eriksen Farouk "
    "Fischer Fontana Garcia Haddad Hansen Horvat Ito Jansen Kaya Keller Kim Kovacs Larsen Lehmann "
    "Lindqvist Marchetti Mbeki Moreau Nagy Novak Okafor Olsen Park Petrov Quint Ricci Rossi Saito Santos "
    "Schmidt Silva Sorensen Tanaka Varga Weber Yilmaz Zhou"
).split()
PLACES = (
    "Aarhus Antwerp Austin Bilbao Bologna Brno Bristol Calgary Cardiff Cebu Cork Dakar Denver Dresden "
    "Dublin Durban Gdansk Geneva Ghent Graz Hamburg Hanoi Izmir Jakarta Kigali Krakow Lagos Leeds Leipzig "
    "Lima Linz Lisbon Lodz Lyon Malmo Manila Medellin Montreal Nairobi Nantes Omaha Osaka Oslo Ottawa "
    "Perth Porto Pune Quito Riga Rotterdam Santiago Seville Sofia Tallinn Tampere Toronto Trieste Turin "
    "Utrecht Valencia Vilnius Warsaw Wroclaw Zagreb"
).split()
PRODUCTS = (
    "Aero Amber Arc Atlas Aurora Birch Cobalt Comet Delta Drift Ember Flint Fjord Gale Halo Indigo Jade "
    "Juno Lark Lumen Maple Nimbus Onyx Opal Orbit Pebble Pulse Quartz Raven Ridge Sable Solace Spruce "
    "Tempo Tide Umber Vega Willow Zephyr"
).split()
OUTLETS = tuple(
    f"{place} {kind}"
    for place, kind in zip(
        (
            *PLACES[:20],
            "Northern",
            "Business",
            "Evening",
            "Capital",
            "Industry",
            "Harbour",
            "Weekend",
            "Market",
        ),
        ("Courier", "Gazette", "Ledger", "Post", "Observer", "Standard", "Times", "Tribune", "Wire", "Week")
        * 3,
        strict=False,
    )
)

# A kind of story: headlines and leads that tell the same facts in other words. Fields: c client, p another company,
# who a person, place, city, money, pct, n a count, thing a trade, prod a product, when a period, body an authority.
STORIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "funding": (
        (
            "{c} raises {money} to expand {thing}",
            "{p} leads {money} round in {c}",
            "{c} secures {money} from {p} for {thing}",
            "Investors put {money} into {c}",
            "{thing}: {c} closes {money} funding led by {p}",
        ),
        (
            "{c} has raised {money} in a round led by {p}. The company will spend it on {thing} in {city}.",
            "The round, led by {p}, brings {c} {money}; {who}, who runs finance, said {city} comes first.",
            "{p} and existing holders are putting {money} into {c}, which makes its living from {thing}.",
        ),
    ),
    "acquisition": (
        (
            "{c} to buy {p} for {money}",
            "{c} agrees {money} takeover of {p}",
            "{p} sold to {c} in {money} deal",
            "{c} snaps up {city}-based {p}",
            "{c} adds {thing} with {money} purchase of {p}",
        ),
        (
            "{c} has agreed to acquire {p}, a {city} specialist in {thing}, for {money}, the companies said.",
            "The {money} deal for {p} gives {c} {n} employees in {city} and a business in {thing}.",
            "Shareholders of {p} will receive {money} from {c}; {who} is to stay on for two years.",
        ),
    ),
    "leadership_change": (
        (
            "{c} names {who} chief executive",
            "{who} to take over as CEO of {c}",
            "{c} picks {who} from {p} as new boss",
            "{c} appoints {who} to lead {thing}",
            "{c} chief to step down, {who} steps in",
        ),
        (
            "{c} has appointed {who}, formerly of {p}, as chief executive from {when}.",
            "{who} joins from {p}, where the {thing} business grew {pct} percent; {c} made it known in {city}.",
            "The board of {c} said {who} will start in {when} and look first at {thing}.",
        ),
    ),
    "product_launch": (
        (
            "{c} unveils {prod} for {thing}",
            "{c} launches {prod} in {city}",
            "With {prod}, {c} goes after {p}",
            "{c} rolls out {prod} to {n} customers",
            "Meet {prod}, the new {thing} offer from {c}",
        ),
        (
            "{c} presented {prod} in {city}, its first product for {thing}. It goes on sale in {when}.",
            "{prod} costs {pct} percent less to run than what {p} sells, said {who} of {c}.",
            "{n} customers have tried {prod}, which {c} is bringing to market in {when}.",
        ),
    ),
    "partnership": (
        (
            "{c} and {p} join forces on {thing}",
            "{c} teams up with {p} in {city}",
            "{p} picks {c} as partner for {thing}",
            "{c}, {p} sign {thing} alliance",
            "{c} strikes {when} supply pact with {p}",
        ),
        (
            "{c} and {p} will work together on {thing} from {when}, both said in {city}.",
            "Under the agreement {p} supplies {n} sites of {c}; {who} spoke of a long-term partnership.",
            "The partnership with {p} covers {thing} and runs for {pct} months, {c} said.",
        ),
    ),
    "financial_results": (
        (
            "{c} profit rises {pct}% on {thing}",
            "{c} {when} revenue hits {money}",
            "{c} beats forecasts as {thing} grows {pct}%",
            "{c} reports {money} in {when} sales",
            "Strong {thing} lifts {c} to {money} in {when}",
        ),
        (
            "{c} reported revenue of {money} for {when}, up {pct} percent, as {thing} sold well.",
            "Operating profit rose {pct} percent in {when}; {who} of {c} pointed to {thing}.",
            "Sales of {money} were more than analysts at {p} had expected of {c} for {when}.",
        ),
    ),
    "regulatory": (
        (
            "{body} clears {c} plan for {thing}",
            "{body} fines {c} {money} over {thing}",
            "{c} faces {body} probe into {thing}",
            "{c} wins {body} approval in {city}",
            "Watchdog {body} looks into {c} and {p}",
        ),
        (
            "The {body} has decided on {thing} at {c}, a notice published in {city} shows.",
            "{c} said it was working with the {body}, which named {thing} and a sum of {money}.",
            "After {pct} months of review the {body} ruled on {c} and its dealings with {p}.",
        ),
    ),
    "litigation": (
        (
            "{p} sues {c} over {thing}",
            "{c} settles {money} lawsuit with {p}",
            "{city} court rules for {c} in {p} case",
            "{c} loses appeal against {p}",
            "{p} takes {c} to court for {money}",
        ),
        (
            "{p} had asked a court in {city} for {money} from {c} over {thing}, filings show.",
            "The case about {thing} between {p} and {c} has been before judges in {city} since {when}.",
            "{who}, counsel for {c}, said the claim of {money} by {p} has no basis.",
        ),
    ),
    "layoffs": (
        (
            "{c} to cut {n} jobs in {city}",
            "{c} lays off {n} as {thing} slows",
            "{n} jobs to go at {c}",
            "{c} closes {city} site, {n} affected",
            "{c} plans {n} redundancies by {when}",
        ),
        (
            "{c} will cut {n} jobs, most of them in {city}, as demand for {thing} weakens.",
            "About {pct} percent of staff in {city} are affected; {who} of {c} spoke of a hard day.",
            "Unions in {city} said {n} people at {c} were told on Tuesday; {thing} is hit most.",
        ),
    ),
    "expansion": (
        (
            "{c} to build {money} plant in {city}",
            "{c} opens {city} hub for {thing}",
            "{c} moves into {thing} with {n} hires",
            "{city} wins {money} investment from {c}",
            "{c} doubles {thing} capacity in {city}",
        ),
        (
            "{c} is investing {money} in {city}, where it will make {thing} and employ {n} people.",
            "The site in {city} opens in {when} with {n} staff, {who} of {c} said.",
            "{c} chose {city} over {pct} other places for its new {thing} base.",
        ),
    ),
    "security_incident": (
        (
            "{c} hit by ransomware, {thing} disrupted",
            "Data of {n} customers stolen from {c}",
            "{c} confirms breach at {city} unit",
            "Hackers claim {money} ransom from {c}",
            "{c} takes systems offline after cyberattack",
        ),
        (
            "{c} shut systems for {thing} after an attack that reached records of {n} customers.",
            "The intrusion began in {city} and was found by {p}; {c} has told the {body}.",
            "{who}, security chief at {c}, said {n} accounts were open to attackers.",
        ),
    ),
    "award": (
        (
            "{c} named best employer in {city}",
            "{c} wins {body} prize for {thing}",
            "{who} of {c} is manager of the year",
            "{c} honoured for {thing}",
            "{thing} award goes to {c}, ahead of {p}",
        ),
        (
            "A jury in {city} chose {c} from {n} entries for its work on {thing}.",
            "{c} came first, {p} second; {who} took the award in {city}.",
            "The prize, given since {when}, honours {thing}; {n} companies had entered with {c}.",
        ),
    ),
    "other": (
        (
            "What {c} tells us about {thing}",
            "{who} of {c} on {thing} and patience",
            "{c} sponsors {city} half marathon",
            "How {c} plans for {when}",
            "{c} answers questions about {thing}",
        ),
        (
            "A visit to {c} in {city}, where {thing} is only part of the day.",
            "{who} talks about {n} letters from customers of {c} and what became of them.",
            "{c} has been in {city} for {pct} years; a look at {thing} then and now.",
        ),
    ),
}
# Named, but not what it is about.
NOISE: tuple[tuple[str, str], ...] = (
    (
        "Stocks to watch: {p}, {c}, {q}",
        "Shares of {p} moved most in {city} on {when} worries; {c} and {q} were little changed.",
    ),
    (
        "{p} hires former {c} manager {who}",
        "{who} spent {pct} years at {c} before joining {p} to build {thing}.",
    ),
    (
        "{city} fair draws {n} visitors to {thing}",
        "Among the {n} exhibitors were {p}, {q} and {c}; talk was of {thing}.",
    ),
    (
        "Analysts split on {thing} as {p} slips {pct}%",
        "The index closed lower in {city}. Also falling were {q} and {c}.",
    ),
    (
        "{p} cuts {n} jobs in {city}",
        "The maker of {thing}, a rival of {c}, blamed weak orders for {when}.",
    ),
    (
        "Five things to know about {thing} before the bell",
        "{p} reports in {when}; {q} names {who}; the {body} meets in {city}.",
    ),
    ("{city} weighs new rules on {thing}", "The {body} will hear {p} and {q} in {when}, said {who}."),
)
BODIES = (
    "Competition Authority",
    "Data Protection Board",
    "Financial Conduct Office",
    "Food Safety Agency",
    "Medicines Agency",
    "Transport Inspectorate",
    "Energy Regulator",
    "Labour Court",
    "Customs Service",
)
PERIODS = (
    "the first quarter",
    "the second quarter",
    "the third quarter",
    "the fourth quarter",
    "the first half",
    "2025",
    "2026",
    "March",
    "April",
    "May",
    "June",
    "September",
    "October",
)
# A sentence more, so that two stories of a kind share little beyond their kind. a an adjective, b one more, u v things,
# d e what is done with them.
TAILS = (
    "Work on {a} {u} in {x} goes on as before, said {w}.",
    "{w} had asked for {m} more to {d} {a} {u} and {v}.",
    "Orders from {x} for {b} {v} were up {k} percent on last year.",
    "In {x}, {y} is the other company to {d} {u} and {e} {b} {v}.",
    "A spokesperson in {x} declined to say who will {d} the {a} {u}.",
    "Rivals such as {y} {d} {b} {u} and are watching closely.",
    "It is the {k}th step of its kind since {w} began to {e} {v}.",
    "Customers in {x} who {d} {a} {u} will see no change before the summer.",
    "Suppliers of {b} {v} in {x} expect {m} of follow-on orders.",
    "Analysts at {y} who {e} {a} {v} called it overdue.",
    "The council of {x} had lobbied with {w} to {d} {b} {u}.",
    "Details, down to {a} {u} and {b} {v}, are to follow at a meeting in {x}.",
)
ADJECTIVES = (
    "abandoned affordable ageing ambitious annual automated bilingual biodegradable bitter bright busy "
    "cautious central cheap circular coastal colourful combined compact contested costly crowded daily "
    "damaged decentralised delayed dense dormant double dusty early edible elderly empty experimental "
    "fragile frozen generous gentle giant glossy heavy hidden historic hollow hybrid idle illegal inland "
    "invisible joint jubilant late lightweight loyal manual massive medieval miniature mobile modular "
    "mountainous muddy narrow neglected noisy nomadic northern obsolete official optional orphaned "
    "outdoor painted patient permanent pilot polluted portable private prized quiet radical rainy rare "
    "recycled reluctant remote robust rural rusty sacred salty seasonal secret shallow silent skilled "
    "sloping slow solar spare sparse steep sterile stolen stray stubborn sturdy submerged subsidised "
    "sudden tactile temporary tidal tiny toxic traditional transparent tropical unfinished unpaid urban "
    "vacant vertical veteran vintage volatile voluntary warm wasteful watertight weekly wild windy "
    "wireless wooden"
).split()
NOUNS = (
    "academies airfields alarms allotments ambulances antennas apprentices aqueducts archives asphalt "
    "auctions balconies ballots barges barns beaches bees bicycles blankets boilers bottles breweries "
    "bridges brochures burrows buses cables cafeterias calendars canals carpets castles catalogues "
    "cathedrals cellars ceramics cheeses chimneys choirs cisterns clinics clocks coasts coins commuters "
    "compost concerts conveyors copies cottages couriers cranes cupboards dairies dams deposits detectors "
    "diaries docks doors drains dyes elevators embankments engines envelopes escalators exams fences "
    "ferries festivals filters fireworks fishermen flags floods floors forests forges fountains furnaces "
    "galleries gardens gates glaciers gloves goats grain grants gravel greenhouses hangars harbours "
    "hedges helmets herds hospitals hostels hotels hurdles icebreakers inspectors islands jackets kennels "
    "kiosks kitchens laboratories ladders lagoons lamps lanterns laundries leaflets ledgers lenses "
    "libraries lifeboats lockers looms magnets maps marathons markets mattresses meadows medals menus "
    "meters microphones mills mines mirrors mosaics motorways murals museums musicians needles nurseries "
    "oars observatories orchards orchestras ovens paddles palaces pallets parades parks passports "
    "pavements pharmacies pianos pigeons pilots pipelines planets plaques playgrounds ploughs ponds "
    "poplars postcards potatoes printers prisons pumps puppets quarries queues quilts radios railings "
    "ramps receipts recipes reefs refineries reservoirs rivers roofs ropes rowers saddles sailors salads "
    "satellites sawmills scaffolds scarves schools scooters seeds sensors sheds sheep shelters shipyards "
    "shutters sidings signals silos skaters sledges slopes soldiers spices squares stables stadiums "
    "stamps statues stoves studios subways suitcases surgeons swamps swimmers tankers taxis teachers "
    "telescopes tents terraces theatres thermostats tickets tiles timetables toasters tollbooths torches "
    "tournaments towers tractors trails trams translators trawlers tunnels turbines umbrellas uniforms "
    "universities valleys valves vaults vegetables viaducts villages vineyards violins volcanoes "
    "volunteers wagons wallets wardrobes warehouses watches waterfalls weavers wells wheat whistles "
    "windows wolves workshops wreaths yachts youngsters zebras zinc"
).split()
VERBS = (
    "adopt auction audit balance barter bless borrow broadcast burn catalogue certify charter clean "
    "collect compare compress convert count cover cultivate decorate demolish deliver dig display distil "
    "donate drain dry empty encircle engrave equip export ferry film fold freeze furnish gather grind "
    "guard harvest heat hire honour illustrate imitate import inherit inspect insulate irrigate juggle "
    "label lease lift light load map measure melt mend merge milk mine move number outlast overhaul paint "
    "park pave photograph plant polish pour praise print promise protect pump quarantine quote rebuild "
    "recycle refill rename renovate rent repair replace rescue restore rinse roast rotate sample scan "
    "scatter scrub sell share shield ship sketch sort split stack steer store streamline stretch survey "
    "sweep teach tow trace trade train translate trim unlock unload upgrade vaccinate ventilate visit "
    "wash weave weigh weld widen wrap"
).split()
