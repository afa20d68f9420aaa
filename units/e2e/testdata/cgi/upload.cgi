#!/usr/bin/perl
# A form with an upload, by CGI.pm.
use strict;
use warnings;
use CGI qw(-utf8);
use Digest::SHA;
use Encode qw(decode);

binmode STDOUT, ':encoding(UTF-8)';
my $q = CGI->new;
if ($q->path_info eq '/away') {
	print $q->redirect(-uri => $q->url(-base => 1) . $q->script_name . '/thanks?of=me', -status => 303);
} elsif ($q->request_method eq 'POST') {
	my $file = $q->upload('file');
	my ($size, $sha) = (0, Digest::SHA->new(256));
	if ($file) {
		binmode $file;
		while (my $n = read $file, my $data, 65536) { $size += $n; $sha->add($data) }
	}
	print $q->header(-type => 'text/plain', -charset => 'utf-8',
		-cookie => [$q->cookie(-name => 'visits', -value => ($q->cookie('visits') // 0) + 1, -path => $q->script_name)]);
	print join "\n", scalar $q->param('name') // '', length(scalar $q->param('name') // ''), join(',', $q->multi_param('tag')),
		$file ? decode('UTF-8', "$file") : '', $size, $sha->hexdigest, $q->url, '';
} else {
	print $q->header(-charset => 'utf-8'), $q->start_html('Form'), $q->start_multipart_form(-action => $q->url(-relative => 1)),
		$q->textfield('name'), $q->filefield('file'), $q->submit, $q->end_form, $q->end_html;
}
