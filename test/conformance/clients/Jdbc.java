import java.io.StringReader;
import java.io.StringWriter;
import java.sql.*;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/** Plays JDBC's features against the server that the environment names and prints what came of it. */
public class Jdbc {
  static void note(String name, Object value) {
    System.out.println(name + ": " + value);
  }

  static String rows(ResultSet rs) throws SQLException {
    StringBuilder text = new StringBuilder();
    int columns = rs.getMetaData().getColumnCount();
    while (rs.next()) {
      for (int i = 1; i <= columns; i++) {
        boolean bytes = rs.getMetaData().getColumnType(i) == Types.BINARY;
        text.append(bytes ? java.util.HexFormat.of().formatHex(rs.getBytes(i)) : rs.getString(i)).append('|');
      }
      text.append('\n');
    }
    rs.close();
    return text.toString();
  }

  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.setProperty("user", System.getenv("PGUSER"));
    properties.setProperty("password", System.getenv("PGPASSWORD"));
    String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/postgres";
    try (Connection c = DriverManager.getConnection(url, properties)) {
      try (Statement s = c.createStatement()) {
        s.execute("CREATE TEMP TABLE t (id serial PRIMARY KEY, a text, n numeric, at timestamp)");
        note("several results", s.execute("SELECT 1; SELECT 2; UPDATE t SET a = 'x'"));
        note("more", s.getMoreResults() + " " + s.getMoreResults() + " " + s.getUpdateCount());
      }
      try (PreparedStatement p = c.prepareStatement("INSERT INTO t (a, n, at) VALUES (?, ?, ?)", Statement.RETURN_GENERATED_KEYS)) {
        for (int i = 0; i < 300; i++) {
          p.setString(1, "row " + i);
          p.setBigDecimal(2, new java.math.BigDecimal(i + ".25"));
          p.setTimestamp(3, Timestamp.valueOf("2026-01-02 03:04:05"));
          p.addBatch();
        }
        note("batch", p.executeBatch().length);
        note("keys", rows(p.getGeneratedKeys()).split("\n").length);
      }
      // Past the fifth time the driver prepares on the server, and asks for binary.
      try (PreparedStatement p = c.prepareStatement("SELECT id, a, n, at, ?::int8, ?::bytea FROM t WHERE id = ?")) {
        for (int i = 1; i <= 12; i++) {
          p.setLong(1, i);
          p.setBytes(2, new byte[] {0, (byte) i, (byte) 255});
          p.setInt(3, i);
          note("prepared " + i, rows(p.executeQuery()));
        }
      }
      try (Statement s = c.createStatement()) {
        note("on the server", rows(s.executeQuery("SELECT count(*) > 0 FROM pg_prepared_statements")));
      }
      c.setAutoCommit(false);
      try (PreparedStatement p = c.prepareStatement("SELECT id FROM t ORDER BY id")) {
        p.setFetchSize(7);
        ResultSet rs = p.executeQuery();
        long sum = 0;
        while (rs.next()) sum += rs.getInt(1);
        note("fetch size", sum);
        p.setMaxRows(5);
        note("max rows", rows(p.executeQuery()));
      }
      Savepoint savepoint = c.setSavepoint("s");
      try (Statement s = c.createStatement()) {
        s.executeUpdate("DELETE FROM t WHERE id > 100");
        try {
          s.executeQuery("SELECT 1/0");
        } catch (SQLException e) {
          note("error", e.getSQLState() + " " + e.getMessage());
        }
        c.rollback(savepoint);
        note("after rollback", rows(s.executeQuery("SELECT count(*) FROM t")));
      }
      c.commit();
      CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
      note("copy in", copy.copyIn("COPY t (a) FROM STDIN", new StringReader("one\ntwo\n\\N\n")));
      StringWriter writer = new StringWriter();
      note("copy out", copy.copyOut("COPY (SELECT a FROM t ORDER BY id LIMIT 10) TO STDOUT WITH CSV", writer));
      note("copied", writer);
      c.commit();
      try (Statement s = c.createStatement()) {
        s.setQueryTimeout(1);
        s.executeQuery("SELECT pg_sleep(30)");
      } catch (SQLException e) {
        note("timeout", e.getSQLState() + " " + e.getMessage());
      }
      c.rollback();
      DatabaseMetaData meta = c.getMetaData();
      note("product", meta.getDatabaseProductName() + " " + meta.getDatabaseMajorVersion());
      note("user", meta.getUserName());
      note("tables", rows(meta.getTables(null, "pg_catalog", "pg_am%", new String[] {"SYSTEM TABLE"})));
      note("columns", rows(meta.getColumns(null, "pg_catalog", "pg_am", null)));
      note("types", rows(meta.getTypeInfo()).length() > 100);
      note("keys", rows(meta.getPrimaryKeys(null, "pg_catalog", "pg_am")));
      try (PreparedStatement p = c.prepareStatement("SELECT id, a FROM t WHERE n > ?")) {
        note("described", p.getMetaData().getColumnTypeName(2) + " " + p.getParameterMetaData().getParameterTypeName(1));
      }
      c.commit();
      try (CallableStatement call = c.prepareCall("{? = call length(?)}")) {
        call.registerOutParameter(1, Types.INTEGER);
        call.setString(2, "twelve chars");
        call.execute();
        note("call", call.getInt(1));
      }
      c.commit();
    }
  }
}
