import type { OperationClass } from '../../../contract/operation.ts';

/** What a call of a function of PostgreSQL itself does beyond computing its result. */
export interface FunctionEffect {
  class: OperationClass;
  flags: readonly string[];
  /** What the call does, for the person. */
  words: string | null;
  /** Its result may hold anything of the database: it runs SQL that is not in the tree, or reads tables by name. */
  readsAnything: boolean;
}

const effect = (
  effectClass: OperationClass,
  flags: readonly string[],
  words: string | null,
  readsAnything = false,
): FunctionEffect => ({ class: effectClass, flags, words, readsAnything });

const FILE = effect('execute', ['server-file'], 'Reads or writes files on the database server');
const ADMIN = effect('privilege', ['admin-function'], 'Calls an administration function of the server');
const DYNAMIC = effect('execute', ['code-execution'], 'Runs SQL that is built at run time', true);
const ADVISORY = effect('write', ['advisory-lock', 'volatile-function'], 'Takes or releases an advisory lock');
const LARGE_OBJECT_WRITE = effect('write', ['large-object'], 'Changes large objects');
const LARGE_OBJECT_READ = effect('read', ['large-object'], null, true);
const LARGE_OBJECT_PLACE = effect('read', ['large-object'], null);
const HARMLESS = effect('read', ['volatile-function'], null);
const QUIET = effect('read', [], null);

function table(): Map<string, FunctionEffect> {
  const all = new Map<string, FunctionEffect>();
  const put = (names: string, what: FunctionEffect): void => {
    for (const name of names.trim().split(/\s+/)) all.set(name, what);
  };
  put(
    `pg_read_file pg_read_binary_file pg_stat_file pg_ls_dir pg_ls_logdir pg_ls_waldir pg_ls_tmpdir
     pg_ls_archive_statusdir pg_ls_logicalmapdir pg_ls_logicalsnapdir pg_ls_replslotdir pg_ls_summariesdir
     pg_file_write pg_file_read pg_file_unlink pg_file_rename pg_file_sync pg_file_length pg_logdir_ls
     pg_hba_file_rules pg_ident_file_mappings pg_show_all_file_settings pg_read_file_old pg_file_settings`,
    FILE,
  );
  put('lo_import lo_export', effect('execute', ['server-file', 'large-object'], 'Copies a file of the server'));
  put(
    `query_to_xml query_to_xmlschema query_to_xml_and_xmlschema ts_stat ts_rewrite crosstab crosstab2 crosstab3
     crosstab4 connectby xpath_table plv8_eval`,
    DYNAMIC,
  );
  put(
    `table_to_xml table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema
     schema_to_xml_and_xmlschema database_to_xml database_to_xmlschema database_to_xml_and_xmlschema
     cursor_to_xml cursor_to_xmlschema`,
    effect('unknown', ['unknown'], 'Reads whole tables that the statement does not name', true),
  );
  put(
    `pg_terminate_backend pg_cancel_backend`,
    effect('privilege', ['admin-function'], 'Ends what other sessions are doing'),
  );
  put(
    `pg_reload_conf pg_rotate_logfile pg_switch_wal pg_switch_xlog pg_create_restore_point pg_backup_start
     pg_backup_stop pg_start_backup pg_stop_backup pg_promote pg_wal_replay_pause pg_wal_replay_resume
     pg_create_physical_replication_slot pg_create_logical_replication_slot pg_copy_physical_replication_slot
     pg_copy_logical_replication_slot pg_drop_replication_slot pg_replication_slot_advance
     pg_replication_origin_create pg_replication_origin_drop pg_replication_origin_advance
     pg_replication_origin_session_setup pg_replication_origin_session_reset pg_replication_origin_xact_setup
     pg_replication_origin_xact_reset pg_logical_emit_message pg_sync_replication_slots pg_stat_reset
     pg_stat_reset_shared pg_stat_reset_single_table_counters pg_stat_reset_single_function_counters
     pg_stat_reset_slru pg_stat_reset_replication_slot pg_stat_reset_subscription_stats
     pg_stat_reset_backend_stats pg_log_backend_memory_contexts pg_log_standby_snapshot
     pg_restore_relation_stats pg_restore_attribute_stats pg_clear_relation_stats pg_clear_attribute_stats
     pg_nextoid pg_stop_making_pinned_objects pg_extension_config_dump pg_import_system_collations
     brin_summarize_new_values brin_summarize_range brin_desummarize_range gin_clean_pending_list pg_prewarm`,
    ADMIN,
  );
  put(
    `pg_logical_slot_get_changes pg_logical_slot_get_binary_changes pg_logical_slot_peek_changes
     pg_logical_slot_peek_binary_changes`,
    effect('privilege', ['admin-function'], 'Reads every change of the database from its log', true),
  );
  put('nextval', effect('write', ['volatile-function'], 'Takes the next value of a sequence'));
  put('setval', effect('write', ['volatile-function'], 'Sets a sequence'));
  put('pg_notify', effect('write', ['listen-notify'], 'Sends a notification to other sessions'));
  put(
    `lo_creat lo_create lo_from_bytea lo_put lo_truncate lo_truncate64 lo_unlink lowrite lo_manage vacuumlo`,
    LARGE_OBJECT_WRITE,
  );
  put('lo_get loread', LARGE_OBJECT_READ);
  put('lo_close lo_lseek lo_lseek64 lo_tell lo_tell64', LARGE_OBJECT_PLACE);
  put(
    `pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared
     pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared
     pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared`,
    ADVISORY,
  );
  put(
    `pg_sleep pg_sleep_for pg_sleep_until random random_normal setseed clock_timestamp timeofday gen_random_uuid
     uuidv4 uuidv7 array_sample array_shuffle pg_export_snapshot`,
    HARMLESS,
  );
  put(
    `currval lastval pg_blocking_pids pg_safe_snapshot_blocking_pids pg_isolation_test_session_is_blocked
     pg_collation_actual_version pg_database_collation_actual_version pg_control_checkpoint pg_control_init
     pg_control_recovery pg_control_system pg_current_logfile pg_current_wal_flush_lsn pg_current_wal_insert_lsn
     pg_current_wal_lsn pg_database_size pg_get_aios pg_get_backend_memory_contexts pg_get_loaded_modules
     pg_get_multixact_members pg_get_sequence_data pg_get_shmem_allocations pg_get_shmem_allocations_numa
     pg_get_wait_events pg_get_wal_replay_pause_state pg_get_wal_resource_managers pg_get_wal_summarizer_state
     pg_indexes_size pg_is_in_recovery pg_is_wal_replay_paused pg_jit_available pg_last_committed_xact
     pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_lock_status
     pg_notification_queue_usage pg_partition_ancestors pg_partition_tree pg_prepared_xact pg_relation_size
     pg_replication_origin_progress pg_replication_origin_session_is_setup pg_replication_origin_session_progress
     pg_sequence_last_value pg_show_replication_origin_status pg_stat_clear_snapshot pg_stat_force_next_flush
     pg_stat_get_backend_io pg_stat_get_backend_wal pg_stat_get_io pg_stat_get_recovery_prefetch
     pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit pg_stat_get_xact_function_calls
     pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time pg_stat_get_xact_numscans
     pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched pg_stat_get_xact_tuples_hot_updated
     pg_stat_get_xact_tuples_inserted pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_returned
     pg_stat_get_xact_tuples_updated pg_stat_have_stats pg_table_size pg_tablespace_size pg_total_relation_size
     pg_wal_summary_contents pg_available_wal_summaries pg_xact_commit_timestamp pg_xact_commit_timestamp_origin
     pg_xact_status txid_status txid_current current_query amvalidate bernoulli system`,
    QUIET,
  );
  return all;
}

const EFFECTS = table();

const INV_WRITE = 0x20000;

/** Of lo_open(), by its mode; a mode that is not a constant may be any. Source: libpq/libpq-fs.h. */
export function openEffect(mode: number | null): FunctionEffect {
  return mode === null || (mode & INV_WRITE) !== 0 ? LARGE_OBJECT_WRITE : LARGE_OBJECT_PLACE;
}

/** The effect of a function that this table knows, by name without schema; null: nothing but its result. */
export function knownEffect(name: string): FunctionEffect | null {
  if (name.startsWith('dblink')) return DBLINK;
  if (name.startsWith('binary_upgrade_')) return ADMIN;
  return EFFECTS.get(name) ?? null;
}

const DBLINK = effect('execute', ['code-execution'], 'Runs SQL on another connection of the server', true);
