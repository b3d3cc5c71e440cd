#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <atomic>

#include "base/scratch_file.h"
#include "serve/server.h"
#include "serve/testing_server.h"

namespace spanqa::serve {
namespace {

using spanqa::testing::ScratchFile;
using testing::comes_true;
using testing::quiet_options;
using testing::TestClient;
using testing::TestHandler;
using testing::TestServer;
using namespace std::chrono_literals;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Bytes = std::unique_ptr<BIO, Deleter<BIO_free>>;

std::string text_of(const Bytes& bytes) {
  char* text = nullptr;
  const long n = BIO_get_mem_data(bytes.get(), &text);
  return {text, static_cast<std::size_t>(n)};
}

/// A key and a certificate for it that it has signed itself, valid for a day.
struct Identity {
  explicit Identity(long serial) {
    const Key pair(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    const Certificate x509(X509_new());
    X509_set_version(x509.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), 86400);
    X509_set_pubkey(x509.get(), pair.get());
    X509_NAME* name = X509_get_subject_name(x509.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                               0);
    X509_set_issuer_name(x509.get(), name);
    EXPECT_GT(X509_sign(x509.get(), pair.get(), EVP_sha256()), 0);
    const Bytes out(BIO_new(BIO_s_mem()));
    EXPECT_EQ(PEM_write_bio_X509(out.get(), x509.get()), 1);
    certificate = text_of(out);
    const Bytes key_out(BIO_new(BIO_s_mem()));
    EXPECT_EQ(PEM_write_bio_PrivateKey(key_out.get(), pair.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
    key = text_of(key_out);
  }
  std::string certificate;
  std::string key;
};

struct Files {
  explicit Files(const Identity& identity)
      : certificate("certificate.pem", identity.certificate), key("key.pem", identity.key) {}

  ServerOptions options() const {
    ServerOptions options = quiet_options();
    options.tls = TlsFiles{.certificate = certificate.path(), .key = key.path()};
    return options;
  }
  ScratchFile certificate;
  ScratchFile key;
};

struct TlsOptions {
  std::string_view protocols = "\x08http/1.1";
  int most_version = TLS1_3_VERSION;
};

class TlsClient final : public TestClient {
 public:
  explicit TlsClient(std::uint16_t port, const TlsOptions& options = {})
      : TestClient(port), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_security_level(context_.get(), 0);  // that old versions may be tried
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), options.most_version);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(options.protocols.data()),
                        static_cast<unsigned>(options.protocols.size()));
    SSL_set_fd(ssl_.get(), descriptor());
    is_secure_ = SSL_connect(ssl_.get()) == 1;
    ERR_clear_error();
  }
  bool is_secure() const { return is_secure_; }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned n = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &n);
    return {reinterpret_cast<const char*>(name), n};
  }
  long serial() const {
    const Certificate certificate(SSL_get1_peer_certificate(ssl_.get()));
    return ASN1_INTEGER_get(X509_get0_serialNumber(certificate.get()));
  }
  /// The server has said that it is done (close_notify).
  bool was_told_the_end() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

 protected:
  ssize_t transmit(std::string_view bytes) override {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  }
  ssize_t receive(char* bytes, std::size_t n) override {
    ERR_clear_error();
    return SSL_read(ssl_.get(), bytes, static_cast<int>(n));
  }

 private:
  std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, Deleter<SSL_free>> ssl_;
  bool is_secure_ = false;
};

TEST(ServerTls, ServesAsWithoutIt) {
  const Files files(Identity(1));
  TestServer server(files.options());
  EXPECT_EQ(server.server().url(), "https://127.0.0.1:" + std::to_string(server.port()));
  TlsClient client(server.port());
  ASSERT_TRUE(client.is_secure());
  EXPECT_EQ(client.protocol(), "http/1.1");
  const std::string body(std::size_t{1} << 20, 'x');
  ASSERT_TRUE(client.post("/a", body));
  EXPECT_TRUE(client.response().body == "POST /a 127.0.0.1 " + body);
  ASSERT_TRUE(client.get("/hold"));
  {
    const TestHandler::Held held = server.handler().next();
    held.exchange->stream({.status = 200});
    held.exchange->send("one", true);
    held.exchange->end();
  }
  EXPECT_EQ(client.response().status, 200);
  EXPECT_EQ(client.through("0\r\n\r\n"), "3\r\none\r\n0\r\n\r\n");
  ASSERT_TRUE(client.get("/b", "Connection: close\r\n"));
  EXPECT_EQ(client.response().status, 200);
  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(client.was_told_the_end());
}

TEST(ServerTls, SpeaksGoodVersionsAndHttp1Only) {
  const Files files(Identity(1));
  TestServer server(files.options());
  EXPECT_TRUE(TlsClient(server.port(), {.most_version = TLS1_2_VERSION}).is_secure());
  EXPECT_FALSE(TlsClient(server.port(), {.most_version = TLS1_1_VERSION}).is_secure());
  EXPECT_FALSE(TlsClient(server.port(), {.protocols = "\x02h2"}).is_secure());
  EXPECT_TRUE(TlsClient(server.port(), {.protocols = "\x02h2\x08http/1.1"}).is_secure());
  EXPECT_EQ(TlsClient(server.port(), {.protocols = "\x08http/1.0\x08http/1.1"}).protocol(), "http/1.1");
  EXPECT_EQ(TlsClient(server.port(), {.protocols = "\x08http/1.0"}).protocol(), "http/1.0") << "which curl may name";
  EXPECT_TRUE(TlsClient(server.port(), {.protocols = ""}).is_secure()) << "old clients name none";
}

TEST(ServerTls, ClientsThatDoNotShakeHandsDoNoHarm) {
  const Files files(Identity(1));
  ServerOptions options = files.options();
  options.session.times.header = 300ms;
  TestServer server(options);
  TestClient silent(server.port());
  TestClient plain(server.port());
  ASSERT_TRUE(plain.get("/a"));
  EXPECT_EQ(plain.response().status, 0);
  EXPECT_EQ(silent.rest(), "") << "given up after the header's time";
  TlsClient client(server.port());
  ASSERT_TRUE(client.get("/a"));
  EXPECT_EQ(client.response().status, 200);
}

TEST(ServerTls, ARefusedBodyIsDrained) {
  const Files files(Identity(1));
  ServerOptions options = files.options();
  options.session.limits.body_bytes = 1000;
  TestServer server(options);
  TlsClient client(server.port());
  ASSERT_TRUE(client.post("/a", std::string(150000, 'x')));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(client.response().status, 413);
  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(client.was_told_the_end());
}

TEST(ServerTls, TellsThatTheClientIsGone) {
  const Files files(Identity(1));
  TestServer server(files.options());
  TlsClient client(server.port());
  ASSERT_TRUE(client.get("/hold"));
  const TestHandler::Held held = server.handler().next();
  client.close();
  EXPECT_TRUE(comes_true([&] { return held.exchange->is_gone(); }));
}

TEST(ServerTls, StopsWithIdleConnections) {
  const Files files(Identity(1));
  TestServer server(files.options());
  TlsClient client(server.port());
  ASSERT_TRUE(client.get("/a"));
  EXPECT_EQ(client.response().status, 200);
  EXPECT_TRUE(server.stop());
  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(client.was_told_the_end());
}

TEST(ServerTls, ReadsItsCertificateAnew) {
  const Files files(Identity(1));
  std::atomic<int> n_lines = 0;
  std::atomic<int> n_reloads = 0;
  TestServer server(files.options(), {.reload = [&] { ++n_reloads; }, .log = [&](std::string_view) { ++n_lines; }});
  TlsClient old(server.port());
  EXPECT_EQ(old.serial(), 1);
  const Identity next(2);
  files.certificate.write(next.certificate);
  server.server().reload();
  ASSERT_TRUE(comes_true([&] { return n_reloads == 1; }));
  EXPECT_EQ(n_lines, 1) << "the key is not yet that of the certificate";
  EXPECT_EQ(TlsClient(server.port()).serial(), 1);
  files.key.write(next.key);
  server.server().reload();
  ASSERT_TRUE(comes_true([&] { return n_reloads == 2; }));
  EXPECT_EQ(n_lines, 1);
  EXPECT_EQ(TlsClient(server.port()).serial(), 2);
  ASSERT_TRUE(old.get("/a"));
  EXPECT_EQ(old.response().status, 200) << "connections live on";
}

TEST(ServerTls, NamesAFileThatItCannotUse) {
  const Identity identity(1);
  const Files files(identity);
  const Files other(Identity(2));
  const auto fault = [](const ServerOptions& options) {
    const auto server = Server::open(options);
    return server ? std::string() : server.error().message;
  };
  ServerOptions options = files.options();
  options.port = 0;
  options.tls->key = other.key.path();
  EXPECT_NE(fault(options).find(other.key.path().string()), std::string::npos) << fault(options);
  options.tls->key = files.key.path() / "none";
  EXPECT_NE(fault(options).find("none"), std::string::npos) << fault(options);
  options.tls->certificate = files.key.path();
  EXPECT_NE(fault(options).find(files.key.path().string()), std::string::npos) << fault(options);
}

}  // namespace
}  // namespace spanqa::serve
