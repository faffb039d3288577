import com.aliyun.odps.*;
import com.aliyun.odps.account.AliyunAccount;
import com.aliyun.odps.data.*;
import com.aliyun.odps.data.Record;
import com.aliyun.odps.task.SQLTask;
import com.aliyun.odps.tunnel.TableTunnel;
import com.aliyun.odps.tunnel.TunnelException;
import com.aliyun.odps.tunnel.io.CompressOption;
import com.aliyun.odps.type.TypeInfoFactory;
import java.math.BigDecimal;
import java.util.*;

/** What a Java program does with MaxCompute, by the official SDK. Prints one `name=value` line per step. */
public class Conformance {
  static void say(String name, Object value) {
    System.out.println(name + "=" + value);
  }

  static Odps connect(String endpoint, String secret, String project) {
    Odps odps = new Odps(new AliyunAccount("ak", secret));
    odps.setEndpoint(endpoint);
    odps.setDefaultProject(project);
    // Else a refusal without retry-after costs minutes.
    odps.getRestClient().setRetryTimes(0);
    return odps;
  }

  public static void main(String[] args) throws Exception {
    Odps odps = connect(args[0], "sk", "proj");
    say("absent", odps.tables().exists("j_types"));

    TableSchema schema = new TableSchema();
    schema.addColumn(new Column("id", OdpsType.BIGINT));
    schema.addColumn(new Column("name", OdpsType.STRING));
    schema.addColumn(new Column("price", TypeInfoFactory.getDecimalTypeInfo(38, 18)));
    schema.addColumn(new Column("raw", TypeInfoFactory.BINARY));
    schema.addColumn(new Column("made", TypeInfoFactory.DATETIME));
    odps.tables().create("proj", "j_types", schema, "a 'quoted' comment", true, 7L, null, null);
    Table table = odps.tables().get("j_types");
    say("comment", table.getComment());
    say("lifecycle", table.getLife());
    say("columns", table.getSchema().getColumns().size());

    TableTunnel tunnel = new TableTunnel(odps);
    for (CompressOption option : new CompressOption[] {null, new CompressOption(CompressOption.CompressAlgorithm.ODPS_ZLIB, 1, 0)}) {
      TableTunnel.UploadSession upload = tunnel.createUploadSession("proj", "j_types");
      RecordWriter writer = option == null ? upload.openRecordWriter(0) : upload.openRecordWriter(0, option);
      for (long id = 0; id < 1000; id++) {
        Record record = upload.newRecord();
        record.setBigint("id", id);
        if (id % 2 == 0) record.setString("name", "näme " + id);
        record.set("price", new BigDecimal("-1.5").add(new BigDecimal(id)));
        record.set("raw", new Binary(new byte[] {(byte) id, (byte) 0xff}));
        writer.write(record);
      }
      writer.close();
      upload.commit(new Long[] {0L});
      say("status", upload.getStatus());
      try {
        upload.commit();
        say("second", "accepted");
      } catch (TunnelException e) {
        say("second", e.getErrorCode());
      }
    }

    TableTunnel.DownloadSession download = tunnel.createDownloadSession("proj", "j_types");
    say("count", download.getRecordCount());
    long sum = 0;
    RecordReader reader = download.openRecordReader(0, download.getRecordCount());
    for (Record record; (record = reader.read()) != null; ) sum += record.getBigint("id");
    say("sum", sum);

    TableSchema partitioned = new TableSchema();
    partitioned.addColumn(new Column("id", OdpsType.BIGINT));
    partitioned.addPartitionColumn(new Column("pt", OdpsType.STRING));
    odps.tables().create("proj", "j_parts", partitioned, "", true);
    Table parts = odps.tables().get("j_parts");
    PartitionSpec spec = new PartitionSpec();
    spec.set("pt", "a b-c+d%中");
    try {
      tunnel.createUploadSession("proj", "j_parts", spec);
      say("noPartition", "accepted");
    } catch (TunnelException e) {
      say("noPartition", e.getErrorCode());
    }
    parts.createPartition(spec, true);
    say("hasPartition", parts.hasPartition(spec));
    TableTunnel.UploadSession upload = tunnel.createUploadSession("proj", "j_parts", spec);
    RecordWriter writer = upload.openRecordWriter(7);
    Record one = upload.newRecord();
    one.setBigint("id", 42L);
    writer.write(one);
    writer.close();
    upload.commit(new Long[] {7L});
    say("partitions", parts.getPartitions().size());

    TableTunnel.StreamUploadSession stream = tunnel.buildStreamUploadSession("proj", "j_parts").setPartitionSpec(spec).build();
    TableTunnel.StreamRecordPack pack = stream.newRecordPack();
    Record two = stream.newRecord();
    two.setBigint("id", 43L);
    pack.append(two);
    pack.flush();

    Instance query = SQLTask.run(odps, "select pt, sum(id) as total from j_parts group by pt;");
    query.waitForSuccess();
    Record row = SQLTask.getResultByInstanceTunnel(query).get(0);
    say("total", row.getString("pt") + " " + row.getBigint("total"));
    Instance csv = SQLTask.run(odps, "select 1L as a, 'x' as b, cast(null as string) as c;");
    csv.waitForSuccess();
    say("csv", SQLTask.getResult(csv).size());

    try {
      SQLTask.run(odps, "select * from no_such;").waitForSuccess();
      say("failing", "accepted");
    } catch (OdpsException e) {
      say("failing", e.getMessage());
    }

    List<String> names = new ArrayList<>();
    for (Table each : odps.tables()) names.add(each.getName());
    say("tables", names);
    parts.deletePartition(spec, true);
    say("partitionsLeft", parts.getPartitions().size());
    odps.tables().get("j_types").truncate();
    odps.tables().delete("j_types", true);
    say("exists", odps.tables().exists("j_types"));

    try {
      connect(args[0], "wrong", "proj").tables().exists("j_parts");
      say("wrongKey", "accepted");
    } catch (Exception e) {
      say("wrongKey", e.getMessage().contains("ODPS-0410042") ? "refused" : e.getMessage());
    }

    Odps three = connect(args[0], "sk", "proj3");
    three.setCurrentSchema("s1");
    three.tables().create("proj3", "s1", "t3", schema, "", true, null, null, null);
    TableTunnel.UploadSession inSchema = new TableTunnel(three).createUploadSession("proj3", "s1", "t3", false);
    RecordWriter schemaWriter = inSchema.openRecordWriter(0);
    Record third = inSchema.newRecord();
    third.setBigint("id", 3L);
    schemaWriter.write(third);
    schemaWriter.close();
    inSchema.commit(new Long[] {0L});
    say("threeLevel", new TableTunnel(three).createDownloadSession("proj3", "s1", "t3", false).getRecordCount());
    say("threeLevelTable", three.tables().exists("proj3", "s1", "t3"));
  }
}
