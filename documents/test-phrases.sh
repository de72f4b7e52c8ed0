# Messages of database servers, and whether they mean the host or damage. This is the only such list: a message in neither
# part means "could not be checked". Patterns of grep -E; the comment before each names the servers and the source. "Run":
# seen from that server here. "Text": found in its program. "Paper": in its manual or a report.
# Words of the host win over words of damage: an engine that cannot read a page calls it corrupt, whatever the reason.
# shellcheck shell=bash

# shellcheck disable=SC2034 # test-judge.sh asks for all of these
HOST_WORDS='' KEY_WORDS='' DAMAGE_WORDS='' SURE_DAMAGE_WORDS='' ADVICE_WORDS='' UNSURE_CHECKS='' DAMAGE_ERRORS='' DAMAGE_NUMBERS=''
host_says() { HOST_WORDS=$HOST_WORDS${HOST_WORDS:+|}$1; }
damage_says() { DAMAGE_WORDS=$DAMAGE_WORDS${DAMAGE_WORDS:+|}$1; }

# --- The host ---
# Any server: the errno of a system call, in any wording: "errno: 28", "Errcode: 28", "OS error: 28",
# "error number 28", "failed with error 28". EAGAIN, ENOMEM, EACCES, EBUSY, ENFILE, EMFILE, EFBIG, ENOSPC, EROFS, EDQUOT.
# Run: MariaDB 10.5, 10.11, 11.8. Paper: MySQL 5.1.
host_says '(errno|Errcode|errcode|Error|error)( number| code)?:? *(11|12|13|16|23|24|27|28|30)([^0-9.]|$)|(errno|rrcode):? *122([^0-9]|$)'
# The same in the C library's words.
host_says 'No space left on device|Too many open files|Read-only file system|Permission denied|Disk quota exceeded|File too large'
host_says 'Resource temporarily unavailable|Cannot allocate memory|Device or resource busy'
# Memory. Text: MariaDB 10.5 to 11.8. Paper: MySQL 5.1 to 8.0.
host_says '[Oo]ut of (memory|resources)|[Cc]annot (allocate|map)|[Nn]ot enough memory|Disk (is )?full'
# Threads. Run: MariaDB 10.11 (timers, interrupt-thread). Paper: MySQL 5.1 (pthread_create).
host_says "Can.t create (a |an )?(new )?(interrupt-)?thread|[Cc]an.t initialize timers|pthread_create"
# Asynchronous input and output. Text: MariaDB 10.5 to 11.8. Paper: MySQL 5.5 on.
host_says '(initialize|create) AIO|io_(uring_)?setup|aio-max-nr'
# The program and its libraries. Run: MariaDB 10.11. Paper: any.
host_says 'error while loading shared libraries|Exec format error|cannot execute|GLIBC|error-?message file|messagefile'
host_says "Can.t (lock|change to run as|start server)|Unable to lock|already (locked|have another)|run mysqld as root|[Tt]ime zone"

# --- Settings and versions of production ---
# Options. Run: MariaDB 10.5 to 11.8. Paper: MySQL 5.1 to 8.0.
host_says 'unknown (option|variable)|defaults-file|is of (a )?different size|start-up parameter|innodb_data_file_path|lower.case.table.names'
host_says 'innodb_page_size|innodb_undo_tablespaces|Creating system tablespace'
# Files of another version. Run: MariaDB 10.5 on 10.11, 10.11 on 11.8. Paper: MySQL 5.7 and 8.0.
host_says 'Upgrade after a crash|[Dd]owngrad|redo log (format|was created)|newer version|removed on upgrade|Created with MariaDB|pgrade required'
# Page compression without its algorithm. Run: MariaDB 10.11. Text: 10.5, 11.8.
host_says 'not currently loaded|provider plugin|compression algorithm .* is not available'
# Prepared transactions with which the server does not start. Run: MariaDB 10.5 to 11.8.
host_says 'prepared transactions!'

# --- Keys. They mean the host only if the files show encryption, because a damaged page may look encrypted. ---
# Run: MariaDB 10.11. Paper: MySQL 5.7 and 8.0.
KEY_WORDS='[Dd]ecrypt|[Ee]ncrypt|[Kk]ey.management|key_id|key.version|[Kk]eyring'

# --- Damage ---
# Any engine of any version: a corrupt page, file, index, table or record, or a wrong checksum.
# Run: MariaDB 10.5, 10.11, 11.8 (InnoDB, Aria, MyISAM). Paper: MySQL 5.1 to 5.6, which write no [ERROR].
damage_says '[Cc]orrupt(ed|ion)?([^a-z]|$)|[Cc]hecksum|marked as crashed|Incorrect (key file|information in file)'
# InnoDB cannot read a page or a file's header. Text and run: MariaDB 10.5 to 11.8.
damage_says 'Failed to read page|[Cc]annot read first page|Header page (contains|consists)|Failed to read the system tablespace header'
# InnoDB: a file is too short. Text and run: MariaDB 10.5 to 11.8.
damage_says 'tail of the system tablespace is missing|[Tt]he size of the file .* is only|is too small|beyond the end of tablespace|outside the bounds of the file'
# InnoDB: the redo log. Text and run: MariaDB 10.5 to 11.8.
damage_says 'Missing FILE_|[Ii]nvalid log (header|block)|No valid checkpoint|[Cc]annot find checkpoint|[Ll]og file .*(is of size|size .* is) '
# InnoDB: a page is newer than the redo log. Run: MariaDB 10.5 to 11.8. Paper: MySQL 5.1 to 5.6, on lines without [ERROR].
damage_says 'in the future!|LSN is in the future'
# InnoDB: an undo record for a field that the index does not have, then an abort. Text and run: MariaDB 10.11.
damage_says 'undo rec field [0-9]+ in index .* but index has only'
# InnoDB: a definition from another time than its table. Run: MariaDB 10.5, 10.11, 11.8. Paper: MySQL 5.1 to 5.7.
damage_says 'indexes inside InnoDB|[Mm]ixed up \.frm files|columns unique inside InnoDB|user.defined columns|virtual columns in InnoDB'
damage_says 'different from the number of indexes|[Cc]annot find index .* in InnoDB'
# Aria: its control file and logs. Run: MariaDB 10.5 to 11.8.
damage_says 'Aria recovery failed|Aria engine: .*([Ff]ailed|wrong|missing)'
# Advice that the server prints after any crash, and its doubts about the host.
ADVICE_WORDS='there may be|corruption in the InnoDB tablespace|to scan your table for corruption|probable cause|hardware|binary log|relay log'

# --- Error numbers, which are the same in all languages ---
# MySQL 5.1 to 8.0, MariaDB: mysqld_error.h. 1032 no record for an index entry, 1033, 1034 definition and index file, 1146
# and 1932 table gone, 1194, 1195 crashed, 1341 to 1344, 1346, 1392, 1602 the text of a view or of triggers, 1412 another
# definition, 1696, 1863 partitions, 1712, 1817 index corrupt, 1548, 1728 a table of the server's own, 1812 file gone, 1877 table
# corrupt, 4083, 4086 a sequence.
DAMAGE_ERRORS='103[2-5]|1039|1146|1194|1195|134[1-46]|1392|1412|1548|1602|1696|1863|4083|4086|1712|1728|1812|1817|1875|1877|1932'
# An engine's number within 29, 1016, 1017 and 1030: my_base.h, HA_ERR_. 2 is ENOENT. 126, 127, 144, 145 crashed, 130 and 140
# not a file of that engine or an old one, 155 no such table, 159 and 190 another definition, 175 too short, 176 checksum, 180
# index, 192 key, 194 file gone, 195 a sequence.
DAMAGE_NUMBERS='2|126|127|130|134|140|144|145|155|159|175|176|180|190|192|194|195'

# --- CHECK TABLE: its own error lines are about the data, except these ---
# Run: MariaDB 10.11 (Unknown error, without enough memory). Text: the others.
UNSURE_CHECKS='Unknown error|^Operation failed$|[Ll]ock wait|[Ll]ost connection|differently defined'

# --- Infobright 4.0.7 ---
# The engine's own words after ERROR 5 and ERROR 1105, with the paths in them. Run: real server.
INFOBRIGHT_HOST_WORDS='Can not create folder|attempting to downgrade'
INFOBRIGHT_DAMAGE_WORDS='Decompression of .* failed|Unexpected byte|Wrong header of data pack|Invalid input pack number|read mismatch'
INFOBRIGHT_DAMAGE_WORDS="$INFOBRIGHT_DAMAGE_WORDS|I/O operation on .* failed with error|Failed to read all DPNs|Table folder .* does not exist"
INFOBRIGHT_DAMAGE_WORDS="$INFOBRIGHT_DAMAGE_WORDS|Bad format of table definition|unknown system exception|Failed to parse brighthouse.ini"
INFOBRIGHT_DAMAGE_WORDS="$INFOBRIGHT_DAMAGE_WORDS|Unable to load configuration|wrong format of .*ib_data_version|should be '.*'"
host_says "$INFOBRIGHT_HOST_WORDS"
# --- Stronger than words of the host: matched with their names and numbers ---
# Infobright 4.0.7, run: if a version file contradicts itself, the message has one version twice. With two different versions
# the data is of another version.
SURE_DAMAGE_WORDS='attempting to downgrade to ([^ ]+) from \1([^0-9.]|\.?$|\. )'
# Infobright 4.0.7, run: the number is the decompressor's. As an errno, 5 would mean the device and 12 the host's memory.
SURE_DAMAGE_WORDS="$SURE_DAMAGE_WORDS|Decompression of .* failed for column [0-9]+, pack [0-9]+ \\(error -?[0-9]+\\)"
# Aria's control file. Text and run: MariaDB 10.5 to 11.8.
SURE_DAMAGE_WORDS="$SURE_DAMAGE_WORDS|not a valid aria control file|Changeable part .* checksum mismatch|Fixed part checksum mismatch"
SURE_DAMAGE_WORDS="$SURE_DAMAGE_WORDS|Size of control file is smaller|Sizes stored in control file are inconsistent"

# --- The server's crash handler: the beginning of its message, as a whole line, since a name in another one may be any text ---
# "261126 17:31:27 - mysqld got signal 6 ;", run: Infobright 4.0.7. "261126 17:31:27 [ERROR] /usr/sbin/mariadbd got signal 11 ;",
# run: MariaDB 10.11. "17:31:27 UTC - mysqld got signal 11 ;", paper: MySQL 5.6 to 8.0.
# shellcheck disable=SC2034 # test-guard.sh and test-judge.sh ask for it
CRASH_LINE='^([-0-9TZ:. ]*(UTC )?(- |\[ERROR\] ))?[^] "'"'"'`]+ got signal [0-9]+ ?; *$'
