/**
 * Every volatile function of pg_catalog that the shipped policy lets pass without asking, and why.
 * What is volatile and not here has to be asked or denied.
 */
export const PASSING_VOLATILE: Readonly<Record<string, string>> = {
  'make or shuffle random values, or tell the time': `
    array_sample array_shuffle clock_timestamp gen_random_uuid random random_normal timeofday uuidv4 uuidv7
    setseed
  `,
  'wait; the statement can be cancelled': `
    pg_sleep pg_sleep_for pg_sleep_until
  `,
  'read what this session or another did to a sequence, a large object or a transaction': `
    currval lastval lo_close lo_get lo_lseek lo_lseek64 lo_tell lo_tell64 loread pg_get_sequence_data
    pg_sequence_last_value txid_status pg_xact_status pg_xact_commit_timestamp pg_xact_commit_timestamp_origin
    pg_last_committed_xact pg_get_multixact_members pg_prepared_xact current_query
  `,
  'is judged by its arguments (settings.ts)': `
    set_config
  `,
  'end with the session: a snapshot that pg_dump hands to its workers, the view of statistics': `
    pg_export_snapshot pg_stat_clear_snapshot pg_stat_force_next_flush
  `,
  'are handlers or validators that change nothing': `
    amvalidate bernoulli system
  `,
  'show the state, sizes and statistics of the server': `
    pg_available_wal_summaries pg_blocking_pids pg_collation_actual_version pg_control_checkpoint
    pg_control_init pg_control_recovery pg_control_system pg_current_logfile pg_current_wal_flush_lsn
    pg_current_wal_insert_lsn pg_current_wal_lsn pg_database_collation_actual_version pg_database_size
    pg_get_aios pg_get_backend_memory_contexts pg_get_loaded_modules pg_get_shmem_allocations
    pg_get_shmem_allocations_numa pg_get_wait_events pg_get_wal_replay_pause_state pg_get_wal_resource_managers
    pg_get_wal_summarizer_state pg_indexes_size pg_is_in_recovery pg_is_wal_replay_paused
    pg_isolation_test_session_is_blocked pg_jit_available pg_last_wal_receive_lsn pg_last_wal_replay_lsn
    pg_last_xact_replay_timestamp pg_lock_status pg_notification_queue_usage pg_partition_ancestors
    pg_partition_tree pg_relation_size pg_replication_origin_progress pg_replication_origin_session_is_setup
    pg_replication_origin_session_progress pg_safe_snapshot_blocking_pids pg_show_replication_origin_status
    pg_stat_get_backend_io pg_stat_get_backend_wal pg_stat_get_io pg_stat_get_recovery_prefetch
    pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit pg_stat_get_xact_function_calls
    pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time pg_stat_get_xact_numscans
    pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched pg_stat_get_xact_tuples_hot_updated
    pg_stat_get_xact_tuples_inserted pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_returned
    pg_stat_get_xact_tuples_updated pg_stat_have_stats pg_table_size pg_tablespace_size pg_total_relation_size
    pg_wal_summary_contents
  `,
};
