"""Words on which the injection rules may rest, for whoever looks whether a text can be left out of the search.

Shared by the inspector and by the filter that spares it the plainest requests. A word that is missing here is a hole; a
property test of the inspector holds them against the whole engine.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that a rule may rest on without any punctuation.
TELLING: Final = _words(
    "union select insert delete drop truncate alter exec execute waitfor shutdown sleep benchmark "
    "pg_sleep randomblob outfile dumpfile information_schema sqlite_master pg_catalog sys xp_cmdshell "
    "load_file concat extractvalue updatexml analyse generate_series lo_import lo_export utl_http utl_inaddr "
    "dbms_pipe null case javascript vbscript livescript srcdoc fromcharcode cookie writeln jndi java "
    "javax freemarker ini cmd powershell bash zsh sh nc runtime getruntime processbuilder phpinfo "
    "metadata __proto__ __import__ constructor web_inf"
)
# Words that make a condition or a clause, when there is a number to compare.
LOGIC: Final = _words(
    "or and xor not is like in between if div mod rlike regexp except intersect order group by having "
    "limit where procedure into values when then true false begin from count char user database "
    "version ascii substring substr length mid ord"
)
# Words that a semicolon makes the first of a statement or of a command line.
FIRST: Final = _words(
    "select insert update delete drop alter create exec execute declare shutdown truncate grant merge call waitfor "
    "copy attach alert confirm prompt sudo whoami uname ifconfig ipconfig netstat nslookup tasklist systeminfo "
    "printenv wget curl ncat nc telnet nmap chmod chown certutil powershell cmd sh bash zsh ksh dash csh python perl "
    "ruby php node rm mkfifo reboot net reg base cat less more head tail type dir ls find grep cp mv touch echo tee "
    "kill env set id ps w who ping host dig sleep time top date pwd hostname printf xargs awk sed cut sort vi nano "
    "ssh scp ftp tar mount df du last history"
)
