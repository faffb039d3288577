import java.sql.*;

/** What a Java program does with MaxCompute by JDBC. Prints one `name=value` line per step. */
public class Jdbc {
  public static void main(String[] args) throws Exception {
    Class.forName("com.aliyun.odps.jdbc.OdpsDriver");
    try (Connection connection = DriverManager.getConnection("jdbc:odps:" + args[0] + "?project=proj", "ak", "sk");
        Statement statement = connection.createStatement()) {
      statement.execute("create table jdbc_t (id bigint, name string) lifecycle 3");
      statement.execute("insert into jdbc_t values (1, 'one'), (2, null)");
      try (ResultSet rows = statement.executeQuery("select id, name from jdbc_t order by id limit 10")) {
        StringBuilder text = new StringBuilder();
        while (rows.next()) text.append(rows.getLong(1)).append(':').append(rows.getString(2)).append(' ');
        System.out.println("rows=" + text.toString().trim());
      }
      try (ResultSet tables = connection.getMetaData().getTables(null, null, "jdbc_t", null)) {
        System.out.println("listed=" + tables.next());
      }
      statement.execute("drop table jdbc_t");
      try (ResultSet rows = statement.executeQuery("select * from jdbc_t")) {
        System.out.println("dropped=no");
      } catch (SQLException e) {
        System.out.println("dropped=" + e.getMessage().contains("ODPS-0130131"));
      }
    }
  }
}
