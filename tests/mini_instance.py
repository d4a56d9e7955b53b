"""A valid instance small enough to read at a glance: 2 territories, 2 profiles, 2 pathways, every table.

People live at home, may fall, go to a ward (6 beds a basin), come home or enter a nursing home. The second
pathway extends the first by a helper who prevents falls.
"""

from pathlib import Path

SETTINGS = """\
format_version = 1
name = "Mini"
time_unit = "day"
contract = "today"

[horizon]
warm_up = 100.0
run = "run_years*365.25"
rollout = 30.0

[search]
replications = 2
generations = 2
population = 6
final_replications = 3
"""

TABLES = {
    "parameters": """\
name,value,low,high,distribution,unit,source,reason
fall_rate,0.8,0.4,1.2,triangular,per year,assumption,made up
helper_ratio,0.6,0.4,0.9,lognormal,ratio,assumption,made up
stay_home_share,0.7,0.5,0.9,beta,share,assumption,made up
staffing,1,0.8,1.2,uniform,ratio,assumption,made up
frail_fall_rate,2*fall_rate,,,,per year,assumption,twice as many
run_years,1,,,,years,assumption,short
""",
    "zones": """\
zone,name,level,parent,urbanicity,population,travel_share
01,North,territory,B,urban,1000,0.1
02,South,territory,B,rural,500,0.2
B,Basin,basin,,,,
""",
    "travel": "origin,destination,minutes\n01,02,25\n02,01,25\n",
    "payers": "id,name,sector,group\ninsurance,Insurance,health,\nhousehold,Household,,\n",
    "providers": "id,name,sector,group\nhospital,Hospital,health,\nhelp,Help,social,\n",
    "resources": """\
resource,name,kind,unit,travels,level,turnover,overflow,tolerable_wait
bed,Bed,place,place,no,basin,0.1,none,1
helper,Helper,staff,visit slot,yes,territory,0,none,14
home_place,Nursing-home place,place,place,no,territory,1,none,90
""",
    "capacities": """\
zone,resource,provider,current,minimum,maximum,lot,reserved,opening_minimum,lead_time
01,bed,hospital,6*staffing,4,8,2,1,0,0
01,helper,help,10,0,20,5,0,0,30
02,helper,help,5,0,10,5,0,0,30
01,home_place,hospital,8,8,10,1,0,0,365
02,home_place,hospital,4,4,4,1,0,0,0
""",
    "profiles": "profile,name,utility\nrobust,Robust,0.85\nfrail,Frail,0.6\n",
    "needs": """\
zone,profile,initial,arrivals,growth,rhythm
01,robust,60,10,0,seasons
01,frail,30,4,0,
02,robust,30,5,0,seasons
02,frail,15,2,0,
""",
    "pathways": "pathway,name,base,entry\nusual,Usual,,home\nhelped,With a helper,usual,\n",
    "offers": """\
zone,profile,pathway,current,minimum,maximum,step,acceptance,fallback,preference
,robust,usual,1,0.8,1,0.1,1,,0.5
,robust,helped,0,0,0.2,0.1,0.9,usual,0.5
,frail,usual,0.7,0.5,1,0.1,1,,0.4
,frail,helped,0.3,0,0.5,0.1,0.9,usual,0.6
02,frail,usual,0.8,0.5,1,0.1,1,,0.4
02,frail,helped,0.2,0,0.5,0.1,0.9,usual,0.6
""",
    "steps": """\
pathway,step,profile,setting,distribution,mean,sd,gate,amount,patience,on_break,hold,anchor,utility
usual,home,,home,,,,,,,,,yes,1
usual,ward,,ward,lognormal,8,4,bed,1,3,home,,,0.7
usual,admission,,institution,fixed,1,,home_place,1,,,yes,,0.9
usual,residence,,institution,,,,,,,,,,0.9
usual,dead,,exit,,,,,,,,,,0
""",
    "services": """\
pathway,step,profile,resource,amount,onset,keep,leads_to
usual,residence,,home_place,1,0,45,
helped,home,,helper,1,7,30,
""",
    "moves": """\
pathway,step,phase,profile,hazard,to,probability,rate,while,factor,new_profile,mark,mark_days
usual,home,stay,robust,fall,ward,,fall_rate,,,,,
usual,home,stay,frail,fall,ward,,frail_fall_rate,,,,,
usual,home,stay,,fall,,,,after_fall,1.5,,,
helped,home,stay,,fall,,,,helper,helper_ratio,,,
usual,home,stay,robust,decline,home,,0.1,,,frail,,
usual,home,stay,,death,dead,,0.08,,,,,
usual,ward,stay,,,home,stay_home_share,,,,frail,after_fall,365
usual,ward,stay,,,admission,1-stay_home_share,,,,frail,after_fall,365
usual,ward,wait,,death,dead,,0.3,,,,,
usual,admission,stay,,,residence,1,,,,,,
usual,residence,stay,,death,dead,,0.3,,,,,
""",
    "prices": """\
contract,subject,profile,basis,payer,provider,amount,occupancy_floor,occupancy_slope,outcome
today,step:ward,,day,insurance,,300,,,
today,resource:home_place,,capacity-year,insurance,,20000,0.95,0.5,
,service:helper,,day,household,help,20,,,
bundle,pathway:helped,,patient,insurance,help,500,,,
bundle,pathway:helped,,outcome,insurance,help,100,,,back_in_a_month
""",
    "contracts": "contract,name\ntoday,Today's funding\nbundle,Bundle\n",
    "costs": """\
provider,subject,profile,basis,amount,life,rate
,resource:bed,,capacity-year,90000,,
,resource:home_place,,capacity-year,19000,,
,resource:home_place,,added-unit,100000,30,0.02
help,service:helper,,day,18,,
help,resource:helper,,open-site-year,5000,,
""",
    "rules": """\
rule,kind,level,zone,resource,profile,pathway,payer,money,sense,bound,source,reason
spending,budget,basin,,,,,insurance,operating,at_most,2000000,assumption,made up
limits,authorised,territory,,home_place,,,,,,,assumption,made up
help_for_frail,coverage,territory,,helper,frail,,,,at_least,0.1,assumption,made up
""",
    "rhythms": "rhythm,start,period,factor\nseasons,0,365.25,1.1\nseasons,180,365.25,0.9\n",
    "observations": """\
observation,description,indicator,value,low,high,unit,year,role,source
deaths,Deaths,100*deaths/person_years,10,5,20,per 100,2024,check,assumption
beds,Beds,busy[resource=bed]/capacity[resource=bed],0.8,0.5,1,share,2024,fit,assumption
""",
    "breaks": "break,kind,step,service,window\nback_in_a_month,readmission,ward,,30\n",
    "objectives": """\
objective,expression,direction,low,high,weight
satisfaction,satisfaction,maximise,0,100,1
efficiency,efficiency,maximise,-1000,1000,1
solvency,solvency,maximise,-1,1,1
""",
    "scenarios": """\
scenario,name,year,parameter,value
today,Today,2024,,
shortage,Fewer staff,2030,staffing,0.75
shortage,Fewer staff,2030,helper_ratio,0.9*helper_ratio
""",
}


def write_mini_instance(folder: Path) -> Path:
    """Write the mini instance into `folder` (made when missing) and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "instance.toml").write_text(SETTINGS, encoding="utf-8")
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder
