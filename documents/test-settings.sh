# Production's settings, as far as its files or the parameter serverOptions show them, and the test server's own.
# shellcheck shell=bash

# What layout.pl reads from the files, by name.
declare -A LAYOUT=() COMPRESSED=()
SYSTEM_FILES=()
ENCRYPTED=''
DATA_VERSION='' DATA_FAMILY=''
# The options in the parameter, by MySQL's name.
declare -A OPTION=()

# Settings that only say how to read files: none of them opens a port or writes elsewhere.
OPTIONS_OF_FILES='innodb_page_size|innodb_undo_tablespaces|innodb_log_file_size|innodb_log_files_in_group
|innodb_checksum_algorithm|innodb_checksums|innodb_fast_checksum|innodb_file_format|innodb_file_format_check|innodb_file_per_table
|innodb_compression_algorithm|innodb_strict_mode|innodb_large_prefix|innodb_flush_method|innodb_use_native_aio|innodb_doublewrite
|innodb_buffer_pool_size|innodb_ft_min_token_size|ft_min_word_len|ignore_builtin_innodb|innodb|skip_innodb|aria_block_size
|aria_encrypt_tables|innodb_encrypt_log|innodb_encrypt_tables|file_key_management_encryption_algorithm|file_key_management_digest
|lower_case_table_names|sql_mode|character_set_server|collation_server|explicit_defaults_for_timestamp|old_mode|table_open_cache
|open_files_limit|max_allowed_packet|default_storage_engine|key_buffer_size|aria_pagecache_buffer_size|thread_stack'
# Folders of production, which have to be on the volume.
OPTIONS_OF_FOLDERS='innodb_data_home_dir|innodb_undo_directory|innodb_log_group_home_dir|aria_log_dir_path'
# Files of this host: keys.
OPTIONS_OF_KEYS='file_key_management_filename|file_key_management_filekey|keyring_file_data'
# Plugins with an engine, keys or compression; none that connects, listens or logs.
PLUGINS='file_key_management|keyring_file|provider_(lz4|lzo|lzma|bzip2|snappy)|ha_(archive|blackhole|rocksdb|tokudb|innodb|xtradb)'

# read_options: sets OPTION from serverOptions. An option that is not allowed is refused before anything starts.
read_options() {
  local item name value plugin known=${OPTIONS_OF_FILES//$'\n'/}
  for item in ${SSM_serverOptions//,/ }; do
    name=${item%%=*}
    name=${name//-/_}
    name=${name#loose_}
    value=${item#"${item%%=*}"}
    value=${value#=}
    if matches "^($OPTIONS_OF_FOLDERS)\$" "$name"; then
      folder_on_volume "$name" "$value"
      value=$FOLDER
    elif matches "^($OPTIONS_OF_KEYS)\$" "$name"; then
      case $value in FILE:*) plugin=${value#FILE:} ;; *) plugin=$value ;; esac
      [ -f "$plugin" ] || unchecked "serverOptions: $name: this host has no file $plugin"
    elif [ "$name" = plugin_load_add ] || [ "$name" = plugin_load ]; then
      name=plugin_load_add
      for plugin in ${value//;/ }; do
        plugin=${plugin##*=}
        matches "^($PLUGINS)(\\.so)?\$" "$plugin" || unchecked "serverOptions: the plugin $plugin is none that the test loads"
      done
    elif [ "$name" = innodb_data_file_path ]; then
      # With an absolute path the server would read and write outside the volume.
      case ";$value" in *';/'*) unchecked "serverOptions: $name: files below innodb_data_home_dir only" ;; esac
    elif ! matches "^($known)\$" "$name"; then
      unchecked "serverOptions: $name is not an option that the test takes: those about files, keys, plugins and names only"
    fi
    OPTION[$name]=$value
  done
}

# folder_on_volume <option> <path of production>: sets FOLDER. The path is relative to the data directory or to the top of the
# volume, or production's, of which the last parts are on the volume.
folder_on_volume() {
  local path=$2 root found
  root=$(readlink -f "$MOUNT_POINT")
  while :; do
    for found in "$DATA/${path#/}" "$MOUNT_POINT/${path#/}"; do
      [ -d "$found" ] || continue
      FOLDER=$(readlink -f "$found")
      case $FOLDER/ in "$root"/*) return ;; esac
    done
    path=${path#/}
    case $path in */*) path=${path#*/} ;; *) break ;; esac
  done
  unchecked "serverOptions: $1: $2 is no folder on the volume"
}

# read_layout: sets LAYOUT and others from the files. Here the script finds what a server would call damage or replace by an
# empty file.
read_layout() {
  local kind one two three four five
  read_options
  progress_now "reading the heads of the files in $DATA"
  perl_says "$RUN_DIRECTORY/layout.out" layout "$DATA" "$MOUNT_POINT"
  while IFS=$'\t' read -r kind one two three four five; do
    case $kind in
      several) unchecked "more than one $one on the volume: $two; which is production's? set its folder in ServerOptions" ;;
      home | page | tables | aria | redo | undo | blank)
        # The folder becomes a line of the server's settings.
        [[ $one =~ ^[A-Za-z0-9._/@+-]*$ ]] || unchecked "the folder $one has characters that cannot be given to a server: set ServerOptions"
        LAYOUT[$kind]=$one LAYOUT[$kind.2]=$two LAYOUT[$kind.3]=$three LAYOUT[$kind.4]=$four
        ;;
      system)
        [[ $one =~ ^[A-Za-z0-9._-]+$ ]] || unchecked "the system file $one of InnoDB has characters that cannot be given to a server: set ServerOptions"
        is_count "$two" || unchecked "the check of the files (layout) makes no sense: $one $two"
        SYSTEM_FILES+=("$one:$two")
        ;;
      differs) record columns fail "$one" "its rows have $two bytes by its definition" "$three, as its file (.MAI) says" ;;
      compressed) COMPRESSED[$one]=$two ;;
      encrypted) ENCRYPTED=$ENCRYPTED${ENCRYPTED:+ }$one ;;
      version) data_version "$one" ;;
      end) LAYOUT[end]=yes ;;
    esac
  done <"$RUN_DIRECTORY/layout.out"
  [ -n "${LAYOUT[end]-}" ] || unchecked 'the check of the files (layout) did not come to its end'
  [ -z "${LAYOUT[redo.4]-}" ] || data_version "${LAYOUT[redo.4]}"
  judge_layout
}

# judge_layout: files of the data that are not on the volume. They may be lost or on another volume, so this is undetermined.
judge_layout() {
  if [ -z "${LAYOUT[home]-}" ] && [ "${LAYOUT[tables]}" -gt 0 ] && [ -z "${OPTION[innodb_data_file_path]-}${OPTION[innodb_data_home_dir]-}" ]; then
    unchecked "${LAYOUT[tables]} tables of InnoDB, but its system file (ibdata1) is not on the volume: lost, or in a place of its own? \
a server would make an empty one; set innodb_data_home_dir in ServerOptions, or back up that volume too"
  fi
  if [ -n "${LAYOUT[home]-}" ] && [ -z "${LAYOUT[redo]-}${OPTION[innodb_log_group_home_dir]-}" ]; then
    unchecked "the redo log of InnoDB (ib_logfile0) is not on the volume: lost, or on a volume of its own? what was committed \
last is only there; set innodb_log_group_home_dir in ServerOptions, or back up that volume too"
  fi
  if [ "${LAYOUT[tables.2]}" -gt 0 ] && [ -z "${OPTION[aria_log_dir_path]-}" ] &&
    { [ "${LAYOUT[aria.2]}" -eq 0 ] || [ "${LAYOUT[aria.3]}" -eq 0 ]; }; then
    unchecked "the log of Aria (aria_log_control, aria_log.00000001) is not on the volume whole, and ${LAYOUT[tables.2]} tables \
need it: lost, or in a place of its own? set aria_log_dir_path in ServerOptions, or back up that volume too"
  fi
  if [ "${LAYOUT[undo]-}" = - ] && [ -z "${OPTION[innodb_undo_directory]-}" ]; then
    unchecked "${LAYOUT[undo.2]} undo files of InnoDB (undo001) are not on the volume: lost, or in a place of their own? set \
innodb_undo_directory in ServerOptions, or back up that volume too"
  fi
  if [ -n "$ENCRYPTED" ] && [[ ${OPTION[plugin_load_add]-} != *key* ]]; then
    unchecked "encrypted, and its key is not on this host: ${ENCRYPTED:0:120}; put the key there and set ServerOptions: plugin_load_add=file_key_management,file_key_management_filename=..."
  fi
  if [ -n "${LAYOUT[page.2]-}" ] && [ "${LAYOUT[page.2]}" -gt "${LAYOUT[page.3]}" ] && [ -z "${OPTION[innodb_data_file_path]-}" ]; then
    record files fail "${SYSTEM_FILES[0]%%:*}" "the system file of InnoDB is cut: ${LAYOUT[page.3]} pages are there" "${LAYOUT[page.2]}, as its header says"
  fi
  if [ -n "${LAYOUT[blank]-}" ]; then
    record files fail "${LAYOUT[blank]}" 'the redo log of InnoDB has nothing but zeros in its head' 'a redo log'
  fi
  if [ -n "${LAYOUT[redo.2]-}" ] && [ "${LAYOUT[redo.2]}" -gt 0 ] && [ "${LAYOUT[redo.3]}" -lt 1048576 ]; then
    record files fail ib_logfile0 "the redo log of InnoDB is cut: ${LAYOUT[redo.3]} bytes" '1048576 at least'
  fi
}

# data_version <text>: sets DATA_VERSION, the newest series that wrote these files, such as 1011, and DATA_FAMILY
data_version() {
  local series
  [[ $1 =~ ([0-9]+)\.([0-9]+) ]] || return 0
  series=$((10#${BASH_REMATCH[1]} * 100 + 10#${BASH_REMATCH[2]}))
  [ "$series" -gt "${DATA_VERSION:-0}" ] || return 0
  DATA_VERSION=$series
  case $1 in *MariaDB*) DATA_FAMILY=MariaDB ;; *) DATA_FAMILY=MySQL ;; esac
}

# other_version <the server's version>: sets OTHER to why this server cannot judge the data. An older server, or one of another
# family, calls newer files damaged.
other_version() {
  local series family=MySQL
  OTHER=''
  [ -n "$DATA_VERSION" ] && [[ $1 =~ ^([0-9]+)\.([0-9]+) ]] || return 1
  series=$((10#${BASH_REMATCH[1]} * 100 + 10#${BASH_REMATCH[2]}))
  case $1 in *MariaDB*) family=MariaDB ;; esac
  # Up to 5.7 the files do not show the family.
  if [ "$series" -lt 800 ] && [ "$DATA_VERSION" -lt 800 ]; then return 1; fi
  [ "$family" != "$DATA_FAMILY" ] || [ "$series" -lt "$DATA_VERSION" ] || return 1
  OTHER="the server of this host is $family $((series / 100)).$((series % 100)), the data is of $DATA_FAMILY $((DATA_VERSION / 100)).\
$((DATA_VERSION % 100)): install that version, or a newer one of the same kind"
}

# check_server_version: before any other answer of the server counts
check_server_version() {
  ask 'SELECT VERSION();' || ANSWER=''
  ! other_version "$ANSWER" || unchecked "$OTHER"
}

# plugin_folder: the folder of this host's server, or nothing
plugin_folder() {
  local base=${SSM_server%/*/*} folder
  for folder in "$base"/lib/mysql/plugin "$base"/lib64/mysql/plugin "$base"/lib/*/mariadb*/plugin "$base"/lib/mariadb/plugin "$base"/lib/plugin \
    "$base"/lib64/mariadb/plugin /usr/lib/mysql/plugin; do
    if [ -d "$folder" ]; then
      printf '%s' "$folder"
      return
    fi
  done
}

# setting <name> <value>: prints it unless serverOptions has it
setting() { [ -n "${OPTION[${1#loose_}]-}" ] || printf '%s = %s\n' "$1" "$2"; }

# settings_of_files: settings that differ from a server's defaults
settings_of_files() {
  local home=${LAYOUT[home]-} file path='' last name folder
  if [ "${LAYOUT[page]:-16384}" -ne 16384 ]; then setting loose_innodb_page_size "${LAYOUT[page]}"; fi
  if [ -n "$home" ] && [ "$home" != "$DATA" ]; then setting innodb_data_home_dir "$home"; fi
  if [ "${#SYSTEM_FILES[@]}" -gt 0 ]; then
    last=${SYSTEM_FILES[${#SYSTEM_FILES[@]} - 1]}
    # The default is ibdata1:12M:autoextend, or 10M, and no file may be smaller.
    if [ "${#SYSTEM_FILES[@]}" -gt 1 ] || [ "${last%:*}" != ibdata1 ] || [ "${last##*:}" -lt 12582912 ]; then
      for file in ${SYSTEM_FILES[@]+"${SYSTEM_FILES[@]}"}; do path="$path${path:+;}${file%:*}:$((${file##*:} / 1048576))M"; done
      setting innodb_data_file_path "$path:autoextend"
    fi
  fi
  if [ -n "${LAYOUT[redo]-}" ]; then
    if [ "${LAYOUT[redo]}" != "$DATA" ]; then setting innodb_log_group_home_dir "${LAYOUT[redo]}"; fi
    # InnoDB before 5.6 refuses a redo log whose size or number of files differs from the settings.
    if [ "${LAYOUT[redo.3]}" -ge 1048576 ]; then setting loose_innodb_log_file_size "${LAYOUT[redo.3]}"; fi
    if [ "${LAYOUT[redo.2]}" -gt 2 ]; then setting loose_innodb_log_files_in_group "${LAYOUT[redo.2]}"; fi
  fi
  if [ -n "${LAYOUT[undo]-}" ] && [ "${LAYOUT[undo]}" != - ]; then
    setting innodb_undo_directory "${LAYOUT[undo]}"
    setting loose_innodb_undo_tablespaces "${LAYOUT[undo.2]}"
  fi
  if [ -n "${LAYOUT[aria]-}" ] && [ "${LAYOUT[aria]}" != "$DATA" ]; then setting loose_aria_log_dir_path "${LAYOUT[aria]}"; fi
  folder=$(plugin_folder)
  for name in "${!COMPRESSED[@]}"; do
    [ ! -e "$folder/provider_$name.so" ] || printf 'plugin_load_add = provider_%s\n' "$name"
  done
  has_aio || setting loose_innodb_use_native_aio OFF
  for name in "${!OPTION[@]}"; do printf '%s = %s\n' "$name" "${OPTION[$name]}"; done
}

# `loose-` marks settings that some servers between MySQL 5.1 and MariaDB 11.8 do not know. With O_DIRECT, the default of newer
# servers, InnoDB would read from the volume again what was read ahead.
write_config() {
  local base=${SSM_server%/*/*}
  {
    cat <<CONFIG
[mysqld]
datadir = $DATA
socket = $SCRATCH/s
pid-file = $SCRATCH/pid
log-error = $SCRATCH/error.log
tmpdir = $SCRATCH/tmp
server-id = $((4000000000 + RANDOM))
skip-networking
skip-grant-tables
skip-slave-start
read_only = 1
loose-skip-log-bin
loose-event-scheduler = OFF
local-infile = OFF
loose-secure-file-priv = $SCRATCH/tmp
loose-wsrep-on = OFF
loose-persisted-globals-load = OFF
loose-aria-recover-options = OFF
loose-myisam-recover-options = OFF
loose-performance-schema = OFF
loose-innodb-buffer-pool-dump-at-shutdown = OFF
loose-innodb-buffer-pool-load-at-startup = OFF
loose-innodb-flush-method = fsync
CONFIG
    [ "$(id -u)" -ne 0 ] || printf 'user = %s\n' "$SSM_serverUser"
    if [ -d "$base/share/mysql" ] || [ -d "$base/share/mariadb" ] || [ -d "$base/share/english" ]; then
      printf 'basedir = %s\n' "$base"
    fi
    settings_of_files
  } >"$RUN_DIRECTORY/server.cnf"
}

# check_compression: whether the server can read page-compressed tables
check_compression() {
  local name have
  for name in "${!COMPRESSED[@]}"; do
    [ "$name" != zlib ] || continue
    ask "SHOW STATUS LIKE 'Innodb_have_$name';" || ANSWER=''
    have=${ANSWER##*$'\t'}
    [ "$have" = ON ] || unchecked "${COMPRESSED[$name]} is compressed with $name, which the server of this host lacks: install its provider (provider_$name)"
  done
}
